
# Completes the word before the cursor: a task, a variable's name, or its value.
_aimager() {
    local word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[[:space:]]}
    local values='' several='' paths='' whole candidates=()
    if [[ $word == *=* ]]; then
        _aimager_values "${word%%=*}"
        local start=${word%%=*}= value=${word#*=}
        [[ -z $several || $value != *,* ]] || start+=${value%,*},
        for whole in $values; do
            candidates+=("$start$whole")
        done
        if [[ -n $paths ]]; then
            compopt -o filenames 2>/dev/null || : # outside of a completion it does nothing
            while IFS= read -r whole; do
                candidates+=("$start$whole")
            done < <(compgen -f -- "${word#"$start"}")
        fi
    elif [[ ${COMP_LINE:0:COMP_POINT} =~ [[:space:]](${_aimager_naming// /|})[[:space:]] ]]; then
        compopt -o filenames 2>/dev/null || :
        while IFS= read -r whole; do
            candidates+=("$whole")
        done < <(compgen -f -- "$word")
    else
        for whole in $_aimager_tasks $_aimager_names; do
            candidates+=("$whole")
        done
    fi
    # Readline replaces only what follows the last of its word breaks.
    local kept='' break
    for break in = :; do
        [[ $COMP_WORDBREAKS != *"$break"* || $word != *"$break"* ]] || {
            whole=${word%"$break"*}$break
            ((${#whole} <= ${#kept})) || kept=$whole
        }
    done
    COMPREPLY=()
    for whole in "${candidates[@]}"; do
        [[ $whole != "$word"* ]] || COMPREPLY+=("${whole#"$kept"}")
    done
    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=-] ]] || compopt -o nospace 2>/dev/null || :
}

complete -F _aimager doit
