"""``wachter check``, ``wachter schema`` and ``wachter config show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.markup import escape

from agent.commands.terminal import Console
from agent.decoders import build_decoder
from agent.flow.contexts import Contexts
from agent.validate import check_names
from agent.web.in_force import read_web
from config.errors import Problem, SettingsError
from config.settings import Settings, load
from config.settings.document import read_document
from config.settings.problems import placed
from config.settings.schema import json_schema
from detectors.families import FAMILIES, MEASURES, RULES

SettingsFile = Annotated[Path, typer.Argument(help="The settings file, YAML.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: plain, stable, for programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(schema)
    config = typer.Typer(help="Look at the settings as the agent sees them.", no_args_is_help=True)
    config.command()(show)
    app.add_typer(config, name="config")


def check(file: SettingsFile, as_json: AsJson = False) -> None:
    """Read a settings file and report every mistake. Exit code 0: usable, 1: not."""
    problems = find_problems(file)
    if as_json:
        typer.echo(json.dumps({"file": str(file), "ok": not problems, "problems": [_record(p) for p in problems]}))
    else:
        _print(file, problems)
    raise typer.Exit(1 if problems else 0)


def schema() -> None:
    """Print the JSON Schema of the settings file, for editors."""
    typer.echo(json.dumps(json_schema(Settings), indent=2))


def show(file: SettingsFile, as_json: AsJson = False) -> None:
    """Print the settings in effect: file, environment and secrets together, secrets redacted."""
    try:
        settings = load(file)
    except SettingsError as error:
        _print(file, error.problems)
        raise typer.Exit(1) from None
    effective = effective_settings(settings)
    typer.echo(json.dumps(effective, indent=2) if as_json else yaml.safe_dump(effective, sort_keys=False), nl=as_json)


def find_problems(file: Path) -> tuple[Problem, ...]:
    """Every mistake in a settings file: what the settings see, then what detectors, references and the decoder see."""
    try:
        document = read_document(file)
    except SettingsError as error:
        return error.problems
    try:
        settings = load(file)
    except SettingsError as error:
        unknown = check_names(document.data, RULES, [family.name for family in FAMILIES], MEASURES)
        return placed((*error.problems, *unknown), document)
    problems: tuple[Problem, ...] = ()
    for build in (Contexts, build_decoder, _read_web):
        try:
            build(settings)
        except SettingsError as error:
            problems += error.problems
    return placed(problems, document)


def _read_web(settings: Settings) -> None:
    read_web(settings.listen)


def effective_settings(settings: Settings) -> dict[str, Any]:
    """The settings as plain data in the form of the file; secrets are asterisks."""
    effective: dict[str, Any] = settings.model_dump(mode="json", by_alias=True)
    return effective


def _record(problem: Problem) -> dict[str, Any]:
    return {"path": problem.path, "line": problem.line, "what": problem.what, "remedy": problem.remedy}


def _print(file: Path, problems: tuple[Problem, ...]) -> None:
    console = Console(stderr=bool(problems), highlight=False, soft_wrap=True)
    if not problems:
        console.print(f"[green]ok[/green] {escape(str(file))}")
        return
    for problem in problems:
        line = f" (line {problem.line})" if problem.line is not None else ""
        console.print(f"[bold]{escape(problem.path)}[/bold]{line}")
        console.print(f"  {escape(problem.what)}. {escape(problem.remedy)}")
    count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    console.print(f"[red]{count}[/red] in {escape(str(file))}")
