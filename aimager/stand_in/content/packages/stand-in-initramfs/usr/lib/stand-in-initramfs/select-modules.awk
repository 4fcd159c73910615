# First file: the wanted names, one a line. Second: modules.dep, whose lines name a module and
# all that it needs. Prints the files to take, sorted by the order of modules.dep.
FNR == 1 { file++ }
file == 1 {
    gsub(/-/, "_")
    if ($1 ~ /\/$/) folders["kernel/" $1] = 1
    else if ($1 != "") { sub(/.*\//, "", $1); names[$1] = 1 }
    next
}
{
    path = $1
    sub(/:$/, "", path)
    name = path
    sub(/.*\//, "", name)
    sub(/\.ko.*/, "", name)
    gsub(/-/, "_", name)
    wanted = name in names
    for (folder in folders)
        if (index(path, folder) == 1) wanted = 1
    if (!wanted) next
    for (field = 1; field <= NF; field++) {
        file_name = $field
        sub(/:$/, "", file_name)
        if (!(file_name in printed)) print file_name
        printed[file_name] = 1
    }
}
