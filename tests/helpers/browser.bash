# shellcheck shell=bash
# A browser for tests: Debian's Chromium, driven by playwright-core, with axe-core, which looks at a
# page as accessibility wants it. Both come from npm, for the tests alone, into $BUILD/browser.

needs_browser() {
    command -v node >/dev/null || skip "no node here"
    CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
        skip "no Chromium here"
    BROWSER=$BUILD/browser/node_modules
    export CHROMIUM BROWSER LIMIT
    [[ -d $BROWSER/playwright-core && -d $BROWSER/axe-core ]] || get_browser_packages ||
        skip "npm could not get playwright-core and axe-core"
}

# Several files of tests may want them at once: who comes last finds that it is done. Three tries: a
# registry may be out of reach for a moment, and two npm at a time may be in each other's way.
get_browser_packages() {
    local new try

    command -v npm >/dev/null || return
    for try in 1 2 3; do
        new=$(mktemp -d "$BUILD/browser.XXXXXX")
        if npm --prefix "$new" install --no-save --no-package-lock --no-audit --no-fund --silent \
            playwright-core axe-core; then
            mv -T "$new" "$BUILD/browser" || :
        else
            echo "npm: try $try failed"
        fi
        rm -rf "$new"
        [[ ! -d $BROWSER/playwright-core || ! -d $BROWSER/axe-core ]] || return 0
    done
    return 1
}

# Runs a script of the browser; its home and its temporary files are the test's, and leave with it.
browse() { # SCRIPT ARGUMENT...
    local home=$T/browser status=0

    mkdir -p "$home"
    TEST_MARK=$T HOME=$home TMPDIR=$home XDG_CONFIG_HOME=$home XDG_CACHE_HOME=$home \
        timeout -k 5 $((10 * LIMIT)) node "$@" 3>&- || status=$?
    rm -rf "$home"
    return $status
}
