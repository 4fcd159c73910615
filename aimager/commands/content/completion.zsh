
# Completes the word before the cursor: a task, a variable's name, or its value.
_aimager() {
    local values='' several='' paths=''
    if compset -P 1 '*='; then
        _aimager_values "${IPREFIX%%=*}"
        [[ -z $several ]] || compset -P '*,'
        local -a found=(${=values})
        (( ! $#found )) || compadd -- $found
        [[ -z $paths ]] || _files
        return
    fi
    local naming
    for naming in $_aimager_naming; do
        if (( ${words[(Ie)$naming]} && ${words[(Ie)$naming]} < CURRENT )); then
            _files
            return
        fi
    done
    _describe -t tasks task _aimager_tasks
    _describe -t variables variable _aimager_names -S ''
}

if [[ ${funcstack[1]} == _doit ]]; then # a file of $fpath, loaded for the first time
    _aimager "$@"
else
    compdef _aimager doit
fi
