"""What a shop does with each client from PyPI, in that client's own words. Run with the Python that has them:
redis_client_programs.py CLIENT PORT EVENT. Ends with 0 if every answer was the right one."""

import asyncio
import sys


def check(what, good):
    if not good:
        raise SystemExit(f"wrong: {what}")


def blocking(module, port, event, **options):
    """redis-py and its sister for Valkey: the same calls."""
    client = getattr(module, "Redis", None) or module.Valkey
    client = client(host="127.0.0.1", port=port, decode_responses=True, client_name="shop", **options)
    check("PING", client.ping())
    hold = client.execute_command("HOLD", event, "ann", 60, "Stalls-A-1", "KEY", "k1")
    check("a hold", hold[0].startswith("h_"))
    check("a retry with the same key", client.execute_command("HOLD", event, "ann", 60, "Stalls-A-1", "KEY", "k1") == hold)
    try:
        client.execute_command("HOLD", event, "bob", 60, "Stalls-A-1")
        check("a taken seat", False)
    except module.exceptions.ResponseError as error:
        check(f"a refusal: {error}", str(error) == "TAKEN Stalls-A-1")
    with client.pipeline(transaction=True) as pipe:
        pipe.execute_command("HOLD", event, "ann", 60, "Stalls-A-2")
        pipe.execute_command("SEAT", event, "Stalls-A-2")
        check("a transaction", pipe.execute()[1] == "held")
    check("CLIENT LIST", any(each["name"] == "shop" and each["lib-name"] for each in client.client_list()))
    check("CLIENT INFO", client.client_info()["name"] == "shop")
    check("INFO", client.info()["server_name"] == "holdfast" and client.info("stats")["total_commands_processed"] > 5)
    check("CONFIG GET", client.config_get("timeout") == {"timeout": "0"})
    check("COMMAND", client.command()["hold"]["arity"] == -5)
    check("COMMAND COUNT", client.command_count() == len(client.command_list()))
    client.close()


def redis(port, event):
    import redis as module
    blocking(module, port, event)
    blocking_three = module.Redis(port=port, protocol=3, decode_responses=True)
    check("RESP3", blocking_three.execute_command("EVENT.INFO", event)["name"])


def valkey(port, event):
    import valkey as module
    blocking(module, port, event)


def coredis(port, event):
    import coredis as module
    from coredis.commands.request import CommandRequest
    from coredis.exceptions import ResponseError

    async def shop():
        async with module.Redis(host="127.0.0.1", port=port, decode_responses=True) as client:
            await buy(client)

    async def buy(client):
        async def ask(*words):
            return await client.execute_command(CommandRequest(words[0].encode(), *words[1:], execution_parameters={}))
        check("PING", await client.ping() == "PONG")
        hold = await ask("HOLD", event, "cor", 60, "Stalls-A-3", "KEY", "k2")
        check("a hold", hold[0].startswith("h_"))
        check("a retry", await ask("HOLD", event, "cor", 60, "Stalls-A-3", "KEY", "k2") == hold)
        try:
            await ask("HOLD", event, "bob", 60, "Stalls-A-3")
            check("a taken seat", False)
        except ResponseError as error:
            check(f"a refusal: {error}", "TAKEN Stalls-A-3" in str(error))
        check("a map", (await ask("EVENT.INFO", event))["name"] == "A test")
        check("INFO", (await client.info())["server_name"] == "holdfast")
    asyncio.run(shop())


def glide(port, event):
    from glide import GlideClient, GlideClientConfiguration, NodeAddress, RequestError

    async def shop():
        client = await GlideClient.create(GlideClientConfiguration([NodeAddress("127.0.0.1", port)], client_name="shop"))
        check("PING", await client.ping() == b"PONG")
        hold = await client.custom_command(["HOLD", event, "gli", "60", "Stalls-A-4", "KEY", "k3"])
        check("a hold", hold[0].startswith(b"h_"))
        check("a retry", await client.custom_command(["HOLD", event, "gli", "60", "Stalls-A-4", "KEY", "k3"]) == hold)
        try:
            await client.custom_command(["HOLD", event, "bob", "60", "Stalls-A-4"])
            check("a taken seat", False)
        except RequestError as error:
            check(f"a refusal: {error}", "Stalls-A-4" in str(error))
        check("INFO", b"holdfast" in await client.info())
        check("its name", await client.client_getname() == b"shop")
        await client.close()
    asyncio.run(shop())


if __name__ == "__main__":
    globals()[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
