"""Text that means something to whoever shows it."""

from hypothesis import strategies as st

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "<https://example.com>",
    "https://example.com/?a=1&b=2",
    "WWW.example.com",
    "a | b | c",
    "a \\| b\\",
    "`code` ``more` ```",
    "*a* __b__ ~~c~~ $d$",
    "&lt;b&gt; &amp; &#60;",
    "# heading",
    "- item",
    "1. item",
    "2) item",
    "    code",
    "> quote",
    "---",
    "===",
    "~~~",
    "| --- |",
    "line\nbreak\r\n\r\n# and more",
    "two  spaces  ",
    "[x]: http://example.com",
    "[^1]",
    "{{ 7 * 7 }} {% raw %} {#",
    "\u202egnp.exe",
    "\u2066\u2069\u200b\ufeff",
    "عربي",
    "\x1b[31m\x00",
    "\ud800",
    "- [ ] task",
    "<!-- comment",
    "x" * 255,
)

hostile_text = (
    st.sampled_from(HOSTILE)
    | st.text(min_size=1)
    | st.text(r"\`*_[]<>#|&~$:.!-+=() 1aw/" + "\n\t", min_size=1)
    | st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map("".join)
)
