# list.awk - lists of numbers: list[1..n].

function sort_list(list, n,    i, j, t) {
    for (i = 2; i <= n; i++) {
        t = list[i]
        for (j = i - 1; j >= 1 && list[j] > t; j--) list[j + 1] = list[j]
        list[j + 1] = t
    }
}

# median_of(LIST, N) - and LIST is sorted then.
function median_of(list, n) {
    sort_list(list, n)
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
