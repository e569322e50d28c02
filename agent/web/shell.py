"""The frame of every page for people: one style, no script, light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from agent.web.html import Html, join, render

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><p class="brand"><a href="/">Wachter</a></p>{trail}</header>
<main id="main">
{body}
</main>
</body>
</html>
"""

STYLE = Html("""
:root { --ink: #1c2430; --quiet: #545f6c; --line: #d3dae1; --ground: #fbfcfd; --card: #ffffff; --good: #15693e;
  --bad: #a81e17; --warn: #7f4a00; --link: #0a559f; --now: #0a559f; --then: #9aa5b1; --calm: #dfe5ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --quiet: #a3adb9; --line: #363f4a; --ground: #14181d;
  --card: #1b2027; --good: #62cf94; --bad: #ff8f86; --warn: #f2b457; --link: #85bdf7; --now: #85bdf7; --then: #626d79;
  --calm: #2b333c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem 1.25rem 3rem; color: var(--ink); background: var(--ground);
  font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; border-bottom: 1px solid var(--line);
  padding-bottom: .5rem; }
.brand { font-weight: 700; font-size: 1.15rem; margin: 0; } .brand a { color: var(--ink); text-decoration: none; }
h1 { font-size: 1.35rem; line-height: 1.35; margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .4rem 0; max-width: 60rem; } a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, textarea:focus-visible,
summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
nav ul, .inline { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; padding: 0; margin: .4rem 0; }
.quiet, dt, .meta, caption { color: var(--quiet); } .good { color: var(--good); } .bad, .critical { color: var(--bad); }
.warning { color: var(--warn); } .info { color: var(--link); }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: .25rem; padding: 0 .45rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; }
.note { border: 1px solid var(--line); border-left: .3rem solid currentColor; border-radius: .3rem; padding: .5rem 1rem;
  background: var(--card); } .note > * { color: var(--ink); }
.cards { list-style: none; padding: 0; margin: 0; }
.cards > li { border: 1px solid var(--line); border-left: .3rem solid currentColor; border-radius: .3rem;
  background: var(--card); padding: .6rem 1rem; margin: .6rem 0; }
.cards > li > * { color: var(--ink); } .cards p { margin: .15rem 0; } .cards .meta { color: var(--quiet); }
.cards .headline { font-weight: 600; overflow-wrap: anywhere; } .cards > li > .badge { color: inherit; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--quiet); font-weight: 600; } tbody th { font-weight: 400; }
th, td { white-space: nowrap; } th:last-child, td:last-child { padding-right: 0; }
.wide { display: inline-block; min-width: 18rem; white-space: normal; }
.short { display: inline-block; min-width: 7rem; white-space: normal; }
.latest { direction: rtl; } .latest > * { direction: ltr; }
.wrap td, .wrap th { white-space: normal; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .5rem 1.5rem; margin: .5rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
form { margin: .5rem 0; } label { display: block; color: var(--quiet); font-size: .9rem; }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--quiet);
  border-radius: .3rem; padding: .35rem .6rem; max-width: 100%; }
textarea { width: 100%; max-width: 40rem; } button { cursor: pointer; font-weight: 600; }
.fields { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: .5rem 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: .3rem; background: var(--card); padding: .6rem .8rem; }
figcaption { font-weight: 600; } svg { display: block; max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
.chart { min-width: 40rem; max-width: 46rem; } svg text { fill: var(--quiet); } .axis { stroke: var(--line); }
.tolerance { stroke: var(--bad); stroke-dasharray: 6 4; } svg .limit { fill: var(--bad); }
.span { stroke: var(--now); stroke-width: 2; } .dot { fill: var(--now); } .hollow { fill: var(--card); stroke: var(--now); }
.breach { stroke: var(--bad); } .breach.dot { fill: var(--bad); } .now { fill: var(--now); } .then { fill: var(--then); }
.key { display: inline-block; width: .8rem; height: .8rem; vertical-align: -.1rem; margin-right: .3rem; }
.key.now { background: var(--now); } .key.then { background: var(--then); }
.blocks { display: inline-grid; grid-template-columns: repeat(24, .7rem); gap: 2px; }
.blocks i { height: 1.1rem; border-radius: 2px; background: var(--calm); } .blocks .critical { background: var(--bad); }
.blocks .warning { background: repeating-linear-gradient(45deg, var(--warn) 0 3px, var(--calm) 3px 5px); }
.blocks .info { background: linear-gradient(var(--calm) 50%, var(--link) 50%); }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--link); } code { overflow-wrap: anywhere; }
.timeline { list-style: none; padding: 0; }
.timeline li { border-left: 3px solid var(--line); padding: .2rem 0 .2rem .9rem; }
@media (max-width: 40rem) { dl { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
  .blocks { grid-template-columns: repeat(24, .42rem); gap: 1px; } body { padding: .75rem; } }
@media print { header nav, form { display: none; } }
""")


def page(title: str, trail: Html, body: Html) -> str:
    """A whole page.

    Args:
        trail: what stands beside the name at the top.
    """
    return render(PAGE, title=title, style=STYLE, trail=trail, body=body)


def links(named: dict[str, str], label: str) -> Html:
    """A list of links, by their paths."""
    items = join(render('<li><a href="{}">{}</a></li>', path, name) for path, name in named.items())
    return render('<nav aria-label="{}"><ul>{}</ul></nav>', label, items)


def badge(severity: str, text: str) -> Html:
    """A word that stands out, in the colour of a severity."""
    return render('<span class="badge {}">{}</span>', severity, text)


def long_list(kind: str, look: str, items: Sequence[Html], most: int) -> Html:
    """A list whose later items are folded away.

    Args:
        kind: ``ol`` or ``ul``; look: its class.
    """
    shown = render('<{k} class="{}">{}</{k}>', look, join(items[:most]), k=kind)
    if len(items) <= most:
        return shown
    rest = render('<{k} class="{}">{}</{k}>', look, join(items[most:]), k=kind)
    return render("{}<details><summary>{} more</summary>{}</details>", shown, len(items) - most, rest)


def scroll(inner: Html, label: str) -> Html:
    """What may be wider than the screen, to be moved with the keyboard too."""
    return _scroll("scroll", inner, label)


def scroll_from_end(inner: Html, label: str) -> Html:
    """The same, with the right end shown first: that is where the latest of a chart over time stands."""
    return _scroll("scroll latest", inner, label)


def _scroll(look: str, inner: Html, label: str) -> Html:
    return render('<div class="{}" role="region" tabindex="0" aria-label="{}">{}</div>', look, label, inner)
