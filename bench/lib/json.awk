# json.awk - parse_json(TEXT): every value of it into the array `value`, under its path.
#
# {"a":{"b":7},"c":[{"d":"x"}]} becomes value["a.b"] = 7, value["c.1.d"] = "x", and value["c.#"] =
# 1, the number of elements. Strings lose their quotes, and \" inside them becomes "; other escapes
# stay as they are. It is for the suite's own programs: it returns 0 for what is not JSON, but does
# not say where.

function parse_json(text) {
    json_text = text
    json_at = 1
    split("", value)
    return parse_value("") && json_at > length(json_text)
}

# Looks at a piece of the text from json_at on, for substr() copies; at all of it only where a long
# string asks for that.
function next_token(    rest) {
    rest = substr(json_text, json_at, 512)
    if (rest ~ /^"/ && !match(rest, /^"([^"\\]|\\.)*"/)) rest = substr(json_text, json_at)
    if (match(rest, /^"([^"\\]|\\.)*"/) || match(rest, /^[-+0-9.eE]+/) ||
        match(rest, /^(true|false|null)/) || match(rest, /^[][{}:,]/)) {
        json_at += RLENGTH
        return substr(rest, 1, RLENGTH)
    }
    return ""
}

function parse_value(path,    token) {
    token = next_token()
    if (token == "{") return parse_members(path)
    if (token == "[") return parse_elements(path)
    if (token == "" || token ~ /^[]}:,]/) return 0
    if (token ~ /^"/) {
        token = substr(token, 2, length(token) - 2)
        gsub(/\\"/, "\"", token)
    }
    value[path] = token
    return 1
}

function below(path, name) {
    return path == "" ? name : path "." name
}

function parse_members(path,    token) {
    if (substr(json_text, json_at, 1) == "}") {
        json_at++
        return 1
    }
    do {
        token = next_token()
        if (token !~ /^"/ || next_token() != ":") return 0
        if (!parse_value(below(path, substr(token, 2, length(token) - 2)))) return 0
        token = next_token()
    } while (token == ",")
    return token == "}"
}

function parse_elements(path,    token, n) {
    n = 0
    if (substr(json_text, json_at, 1) == "]") {
        json_at++
        value[below(path, "#")] = 0
        return 1
    }
    do {
        if (!parse_value(below(path, ++n))) return 0
        token = next_token()
    } while (token == ",")
    value[below(path, "#")] = n
    return token == "]"
}
