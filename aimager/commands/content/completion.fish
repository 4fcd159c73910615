
# Prints what the word before the cursor may become: tasks, variables' names, or values.
function __aimager
    set -l word (commandline --current-token --cut-at-cursor)
    set -l name (string split --max 1 = -- $word)
    for task in $__aimager_naming
        if contains -- $task (commandline --tokenize --current-process --cut-at-cursor)
            __fish_complete_path $word
            return
        end
    end
    if not string match --quiet '*=*' -- $word
        printf '%s\n' $__aimager_tasks $__aimager_names
        return
    end
    set -l start "$name[1]="
    set -l found (__aimager_values $name[1])
    if contains several $found; and string match --quiet '*,*' -- $name[2]
        set start $start(string replace --regex '[^,]*$' '' -- $name[2])
    end
    for value in (string match --invert --regex '^(several|paths)$' -- $found)
        printf '%s%s\n' $start $value
    end
    if contains paths $found
        for path in (__fish_complete_path (string sub --start (math (string length -- $start) + 1) -- $word))
            printf '%s%s\n' $start $path
        end
    end
end

complete --command doit --no-files --arguments '(__aimager)'
