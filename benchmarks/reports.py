"""Formats the results as tables for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from . import deliveries, duels, insights
from .breakdown import Breakdown
from .bridge import Call
from .costs import Prices
from .footprint import import_milliseconds, imported_late, page_cost, submit_cost, zipped_bytes
from .form import Wait
from .hostile import AIM, Cost
from .lists import FEW, Ratio
from .tables import print_table, shown
from .whole_tickets import Costs


def print_requests(results: list[duels.Result]) -> None:
    rows = [
        [
            f"{result.delay} ms",
            str(result.clients),
            *(shown(result.rate(name)) for name in ("submit", "bare", "in_request")),
            shown(result.ratio("submit", "bare")),
            shown(result.ratio("submit", "in_request")),
            f"{shown(result.milliseconds('submit', 50))} / {shown(result.milliseconds('submit', 99))}",
            shown(result.mails_per_ticket),
            str(len(result.rounds["submit"])),
        ]
        for result in results
    ]
    header = ["mail server takes", "clients", "submit/s", "bare/s", "in request/s"]
    header += ["submit : bare", "submit : in request", "submit ms, 50 % / 99 %", "mails per ticket", "rounds"]
    print_table("Rates under gunicorn (2 workers x 8 threads, SQLite, technical conversations of 6 kB)", header, rows)
    print(
        """
submit       POST /handoff/tickets as handoff.js sends it; the couriers deliver in the same processes meanwhile
bare         Flask stores the same body as it comes, in one durable insert into one table as wide as a ticket
in request   Flask, Flask-WTF, Flask-Mail: the mail is sent before the answer, nothing is stored
a : b        the rate of a as a multiple of b's, the median of the rounds' ratios; aim of submit : bare: 0.70 or more
mails per ticket   mails that went out while tickets came in; the others wait in the database for a calmer moment"""
    )


def print_checkpoints(results: list[duels.Result]) -> None:
    rows = [
        [
            name,
            str(result.clients),
            *(shown(result.milliseconds(name, percent)) for percent in (50, 99)),
            shown(result.milliseconds(name, 99) / result.milliseconds("submit", 99)),
            str(sum(len(turn.latencies) for turn in result.rounds[name])),
        ]
        for result in results
        for name in result.rounds
    ]
    print_table(
        "Latency of a submit beside deliveries",
        ["", "visitors at once", "ms, 50 %", "ms, 99 %", "99 % as a multiple of submit's", "requests"],
        rows,
    )
    print(
        """
submit                  the deliveries copy SQLite's log every two seconds, and writers wait meanwhile
submit_copying_beside   the same, and writers do not wait: SQLite before 3.51.3 may lose a commit then, very rarely
submit_copying_itself   a commit copies the log when it has 1,000 pages, which is SQLite's default
submit_never_copying    the log grows"""
    )


def print_footprint(directory: Path, runs: int) -> None:
    page, ticket = page_cost(directory), submit_cost(directory)
    rows = [
        ["kapa_handoff_script() on a page", f"{page.microseconds:.1f} µs", "20 µs"],
        ["  its SQL statements", str(page.statements), "0"],
        ["a submit's SQL statements, BEGIN and COMMIT included", str(ticket.statements), "7"],
        ["  where it writes: nothing more for the delivery", ", ".join(ticket.written), "ticket, transcript"],
        [
            "import flask_kapa_handoff, beyond flask and sqlalchemy",
            f"{import_milliseconds(directory, runs):.1f} ms",
            "15 ms",
        ],
        ["handoff.js, gzip -9", f"{zipped_bytes('handoff.js'):,} bytes", "6,144 bytes"],
        ["bridge.js, gzip -9", f"{zipped_bytes('bridge.js'):,} bytes", "3,072 bytes"],
        ["handoff.css, gzip -9", f"{zipped_bytes('handoff.css'):,} bytes", "3,072 bytes"],
    ]
    print_table("What it costs where it is not used", ["", "measured", "aim: at most"], rows)
    early = [name for name, late in imported_late(directory).items() if not late]
    print(f"\nImported with the package, although it could wait: {', '.join(early) or 'nothing'}.")


def print_bridge(calls: list[Call]) -> None:
    rows = [
        [call.name, *(shown(value) for value in (call.plain, call.bridged, call.bridged - call.plain)), "5"]
        for call in calls
    ]
    header = ["a request that is not Kapa's", "µs without", "µs with the bridge", "µs more", "aim: under"]
    print_table("What bridge.js costs other requests; fetch() itself is a stub", header, rows)


def print_form(waits: list[Wait]) -> None:
    rows = [[wait.name, shown(wait.median), shown(max(wait.times)), "100"] for wait in waits]
    print_table("What a visitor waits for, on loopback", ["wait", "ms, median", "ms, longest", "aim: under"], rows)


def print_breakdown(found: Breakdown) -> None:
    rows = [[label, shown(time), f"{time / found.submit:.0%}"] for label, time in found.parts]
    rows += [["the whole request", shown(found.submit), "100%"], ["the bare route's", shown(found.bare), ""]]
    print_table("One submit in one process, without a mail", ["part", "µs of processor time", "share"], rows)
    statements = [[text[:90], shown(time)] for text, time in found.statements]
    print_table(
        f"Its {len(statements)} statements, in the driver alone", ["statement", "µs, waiting included"], statements
    )
    print("\nThe functions with most time of their own, as the profiler sees them:\n")
    print("\n".join(found.own_times.splitlines()[6:]))


def print_deliveries(results: list[deliveries.Result]) -> None:
    header = ["mail server takes", "connections", "conversation"]
    rows = [
        [
            *_course(result.course),
            *(f"{shown(result.rate(name))} / {shown(result.processor_milliseconds(name))}" for name in result.rounds),
        ]
        for result in results
    ]
    print_table("Mails per second / ms of processor time for each", [*header, *results[0].rounds], rows)
    rows = [
        [
            *_course(result.course),
            *(shown(result.ratio("courier", name, "rate")) for name in ("flask_mail", "flask_mail_usual")),
            shown(result.ratio("flask_mail", "courier", "processor_milliseconds")),
            shown(result.ratio("delivery", "flask_mail", "rate")),
            shown(result.rate("delivery") / result.limit) if result.limit else "",
        ]
        for result in results
    ]
    header += ["courier : flask_mail", "courier : flask_mail_usual", "processor, flask_mail : courier"]
    header += ["delivery : flask_mail", "delivery : connections / delay"]
    print_table("The same as ratios", header, rows)
    print(
        """
raw               smtplib over connections that stay open, the mail composed before the clock started: the limit
flask_mail        Flask-Mail composes and sends within mail.connect(), with the package's own Markdown renderer
flask_mail_usual  the same with markdown-it-py, as most sites render Markdown
courier           the package composes and sends; no database. Aim at 0 ms: 3 times flask_mail's rate
delivery          claim, compose, send, record, as the threads of flask kapa-handoff worker do it, SQLite on the disk;
                  aim: 0.90 of connections / delay at 4 x 50 ms and 16 x 500 ms
All send the same parts: text, HTML and conversation.json."""
    )


def _course(course: deliveries.Course) -> list[str]:
    return [f"{course.delay} ms", str(course.connections), f"{course.size // 1000} kB"]


def print_costs(costs: Costs) -> None:
    rows = [[name, shown(costs.milliseconds(name)), shown(costs.ratio(name))] for name in costs.rounds]
    print_table(
        "Processor time of a whole ticket, under gunicorn (1 worker x 8 threads, conversations of 20 kB)",
        ["", "ms", "times submit's"],
        rows,
    )
    print(
        """
submit            the request, and the delivery by the web process's own threads afterwards; the ticket stays on record
in_request_whole  Flask, Flask-WTF, Flask-Mail: a mail of the same parts before the answer, nothing is stored
in_request_usual  the same with markdown-it-py. Aim: 2.50 times submit's"""
    )


def print_prices(prices: Prices) -> None:
    floor = "bare insert, 6 kB"
    rows = [
        [
            name,
            shown(prices.milliseconds(name)),
            *("{:.2f} ({:.2f}–{:.2f})".format(*prices.ratio(name, other)) for other in ("204", floor)),
        ]
        for name in prices.rounds
    ]
    print_table(
        "Processor time of one request, in one process without a server or mail (quartiles of the rounds)",
        ["", "ms", "times 204", f"times {floor}"],
        rows,
    )
    print(
        """
204          a Flask route that responds with 204
bare insert  a Flask route that stores the body as it comes, in one durable insert into one table as wide as a ticket
submit       POST /handoff/tickets with a conversation that speaks of tokens and passwords, as technical ones do: from
             handoff.js in JSON, from a program in JSON, as a browser without script sends a form
offer        GET /handoff/offer"""
    )


def print_memory(found: Iterable[tuple[int, float]]) -> None:
    rows = [[f"{delivered:,}", f"{megabytes:.1f} MB"] for delivered, megabytes in found]
    print_table("flask kapa-handoff worker, tickets of 20 kB", ["delivered", "memory (RSS)"], rows)


def print_hostile(costs: list[Cost], rows: int = 20) -> None:
    steps = ("offer", "form", "submit", "events", "mail", "admin page")
    costs = sorted(costs, key=lambda cost: -cost.worst)
    worst = max(costs[0].seconds, key=costs[0].seconds.__getitem__)
    print_table(
        f"Milliseconds of processor time of hostile bodies, the worst {rows} of {len(costs)} shapes",
        ["a body full of", *steps, "kB of mail"],
        [
            [
                cost.shape.replace("|", "\\|"),
                *(shown(cost.seconds[step] * 1000) if step in cost.seconds else "" for step in steps),
                shown(cost.mail / 1000) if cost.mail else "",
            ]
            for cost in costs[:rows]
        ],
    )
    print(f"\nThe worst: {shown(costs[0].worst * 1000)} ms, {worst}, a body full of {costs[0].shape}.")
    print(f"Aim: under {AIM * 1000:.0f} ms. The largest mail: {max(cost.mail for cost in costs):,} octets.")


def print_lists(what: str, number: int, ratios: Sequence[Ratio]) -> None:
    rows = [[one.name, shown(one.few), shown(one.many), f"{one.ratio:.2f}"] for one in ratios]
    print_table(f"{what}, ms of processor time a page", ["page", f"{FEW:,}", f"{number:,}", "ratio"], rows)


def print_searches(what: str, number: int, results: Sequence[tuple[str, float, float]]) -> None:
    rows = [[words, shown(median), shown(longest)] for words, median, longest in results]
    print_table(f"{what} among {number:,} tickets, ms of processor time a page", ["words", "median", "longest"], rows)


def print_exports(what: str, number: int, results: Sequence[tuple[str, float, float, float]]) -> None:
    rows = [[kind, *map(shown, figures)] for kind, *figures in results]
    print_table(f"{what} of {number:,} tickets", ["format", "MB", "seconds", "MB of memory more than idle"], rows)


def print_insights(results: Iterable[insights.Result], cost: insights.Cost) -> None:
    rows = [(result.what, *map(shown, result[1:])) for result in results]
    print_table(
        f"90 days over {insights.ANSWERS:,} answers and {insights.TICKETS:,} tickets, in milliseconds",
        ("request", "median", "fastest", "processor time", "of the server"),
        rows,
    )
    print(
        f"\nAn offer with answer records takes {cost.waiting:.3f} times the processor time while the visitor waits, "
        f"and {cost.in_all:.3f} times with the write."
    )
