"""The SEATS workload (the airline benchmark of H-Store and OLTP-Bench), reduced to its transactions about seats and to their
proportions: FindOpenSeats 35, NewReservation 20, UpdateReservation 15, DeleteReservation 10. 150 seats a flight. The same client
(`holdfast-load --scenario airline`) for every service: it draws flights and seats, and sees a seat that two customers got."""

import json
import os
import random

from . import drivers

FLIGHTS, ROWS, SEATS_PER_ROW = 1000, 25, 6

TABLES = (
    "drop table if exists reservations, flights;"
    "create table flights(id int primary key, seats_left int not null);"
    "create table reservations(id bigint generated always as identity primary key, flight int not null references flights, "
    "seat int not null, customer bigint not null, unique (flight, seat));"
    f"insert into flights select number, {ROWS * SEATS_PER_ROW} from generate_series(0, {FLIGHTS - 1}) number;"
    "vacuum analyze flights, reservations;")


def weights(folder, flights=FLIGHTS):
    """How often each flight is asked for. Its route and its hour are drawn from the benchmark's histograms (`folder`, in the form that
    OLTP-Bench publishes); the more flights a route has, the more people want one. Without them: all alike."""
    if not folder:
        return []
    routes, hours = (
        list(histogram(os.path.join(folder, "histogram." + name)).items()) for name in ("flights_per_airport", "flights_per_time"))
    chance = random.Random(1)
    found = []
    for _ in range(flights):
        (_, route), (_, hour) = chance.choice(routes), chance.choices(hours, [count for _, count in hours])[0]
        found.append(max(1, route * hour // 1000))
    return found


def histogram(path):
    with open(path) as file:
        return json.load(file)["HISTOGRAM"]


def on_holdfast(cluster, event, door, seconds, weight, seed, connections=64):
    """One run on new events, and how many seats are held afterwards by the service's own count."""
    port = cluster.tcp if door == "resp" else cluster.http
    found = drivers.load_tool(f"--{door}", f"127.0.0.1:{port}", "--event", event, *options(seconds, weight, seed, connections))
    client = cluster.resp()
    try:
        for number in range(FLIGHTS):
            client.send("EVENT.INFO", f"{event}-{number}")
        held = 0
        for _ in range(FLIGHTS):
            flat = client.read()
            held += int(dict(zip(flat[::2], flat[1::2]))["held"])
    finally:
        client.close()
    return found, held


def on_postgres(postgres, seconds, weight, seed, connections=64):
    postgres.sql(TABLES)
    found = drivers.load_tool("--postgres", f"127.0.0.1:{postgres.port}", *options(seconds, weight, seed, connections))
    held, counted = (int(number) for number in postgres.sql(
        f"select count(*), (select {FLIGHTS * ROWS * SEATS_PER_ROW} - sum(seats_left) from flights) from reservations").split("|"))
    return found, held if held == counted else -1


def options(seconds, weight, seed, connections):
    return ["--scenario", "airline", "--events", FLIGHTS, "--rows", ROWS, "--seats-per-row", SEATS_PER_ROW, "--connections",
            connections, "--seconds", seconds, "--seed", seed, *(["--weights", ",".join(map(str, weight))] if weight else [])]


def problems(side, found, held):
    """What says that the service is wrong, as sentences."""
    out = []
    if found["doubled"]:
        out.append(f"SEATS, {side}: {found['doubled']} seats were given to two customers")
    if found["errors"]:
        out.append(f"SEATS, {side}: errors {found['words']}")
    if found["owned"] != held:
        out.append(f"SEATS, {side}: customers own {found['owned']} seats, the service counts {held}")
    return out
