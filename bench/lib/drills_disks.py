"""Drills about directories: of yesterday, lost, and lost by the node that was alone."""

from .drill_run import drill


def yesterday(name, running, how, end, short=False):
    """`running`: so is the node whose directory is copied. `end`: how both nodes end before the copy is put back (`put_back`'s `how`)."""
    @drill(name, short=short)
    def run_drill(run):
        if running:
            run.copy("n1", "yesterday")
        else:
            run.stop("n1")
            run.copy("n1", "yesterday")
            run.start("n1")
        run.see_in_sync()
        run.see_whole("yesterday")
        run.more()
        run.lead("n1")
        run.more()
        if how == "over":
            run.see_sign("n1", later_than="yesterday")
        end(run)
        run.put_back("yesterday", "n1", how)
        run.start("n1", "router")
        run.see_wait("n1")
        run.start("n2")
        run.see_in_sync()


def down(run):
    run.down()


def power_cut(run):
    run.cut_power()


yesterday("directory of yesterday, copied while stopped, moved back", False, "move", down, short=True)
yesterday("directory of yesterday, copied while running, copied back after a power cut", True, "copy", power_cut)
yesterday("directory of yesterday, copied while running, written over the files after a power cut", True, "over", power_cut)


def yesterday_of_the_same_epoch(name, first, end):
    """Neither start numbers nor epochs nor the files' places tell this directory from the newest one: only a sign of life does."""
    @drill(name)
    def run_drill(run):
        run.lead("n1")
        run.copy("n1", "yesterday")
        run.more()
        if end is power_cut:
            run.see_sign("n1", later_than="yesterday")
        end(run)
        run.put_back("yesterday", "n1", "over")
        run.start(first, "router")
        if first == "n1":
            run.see_nobody_sells()
        else:
            run.more()
        run.start("n2" if first == "n1" else "n1")
        run.see_in_sync()


yesterday_of_the_same_epoch("directory of yesterday, of the same start and roles, written over the files, its peer first", "n2", power_cut)
yesterday_of_the_same_epoch("directory of yesterday, of the same start and roles, written over the files, it first", "n1", power_cut)
yesterday_of_the_same_epoch("directory of a moment before the end, written over the files, it first", "n1", down)


@drill("directory of yesterday under a follower, its peer runs")
def yesterday_beside_a_live_peer(run):
    run.copy("n1", "yesterday")
    run.more()
    run.kill("n1")
    run.more()
    run.put_back("yesterday", "n1", "copy")
    run.start("n1")
    run.see_in_sync()


@drill("directory of yesterday of the node that was alone")
def yesterday_alone(run):
    """No whole copy is left: nobody goes on by himself, the operator does, and is told what is given up."""
    run.copy("n1", "yesterday")
    alone = run.mark()
    run.stop("n2")
    run.more()
    run.quiet()
    given_up = run.since(alone)
    run.stop("n1")
    run.put_back("yesterday", "n1", "copy")
    run.start("n1")
    run.see_wait("n1")
    run.start("n2")
    run.see_nobody_sells()
    run.quiet()
    run.accept_loss()
    run.see_in_sync()
    return given_up


def backup(name, coordinator_too):
    """Both directories are gone. What was sold after the backup is too; what is in it is not."""
    @drill(name)
    def run_drill(run):
        run.quiet()
        run.stop("n1")
        run.copy("n1", "backup")
        run.start("n1")
        run.see_in_sync()
        run.see_whole("backup")
        after = run.mark()
        run.more()
        run.quiet()
        given_up = run.since(after)
        run.down()
        run.empty("n2")
        run.put_back("backup", "n1", "move")
        if coordinator_too:
            run.lose_coordinator()
            run.recover("n1")
        run.start("n1", "router")
        if not coordinator_too:
            run.see_nobody_sells()
            run.quiet()
            run.accept_loss()
        run.more()
        run.start("n2")
        run.see_in_sync()
        return given_up


backup("both disks lost, a backup of one put back", coordinator_too=False)
backup("both disks and the coordinator lost, a backup of one put back", coordinator_too=True)


def lost(name, victim, order, end=down):
    """`order`: who is started after both ended and the victim's directory was emptied; empty: the peer ran all the time."""
    @drill(name)
    def run_drill(run):
        run.lead("n1")
        run.more()
        if not order:
            run.kill(victim)
            run.empty(victim)
            run.more()
            run.start(victim)
        else:
            end(run)
            run.empty(victim)
            run.start(order[0], "router")
            if order[0] == victim:
                run.see_nobody_sells()
            run.start(order[1])
        run.see_in_sync()


lost("disk of the primary lost, its peer runs", "n1", [])
lost("disk of the follower lost, its peer runs", "n2", [])
lost("disk of the primary lost, both stopped, the empty one first", "n1", ["n1", "n2"])
lost("disk of the primary lost, both stopped, the empty one last", "n1", ["n2", "n1"])
lost("disk of the primary lost in a power cut, the empty one first", "n1", ["n1", "n2"], power_cut)
lost("disk of the primary lost in a power cut, the empty one last", "n1", ["n2", "n1"], power_cut)
lost("disk of the follower lost, both stopped, the empty one first", "n2", ["n2", "n1"])
lost("disk of the follower lost in a power cut, the empty one last", "n2", ["n1", "n2"], power_cut)


@drill("disk lost of the node that was alone")
def lost_alone(run):
    """What it alone had is gone; the other goes on with what it has when the operator says so."""
    alone = run.mark()
    run.stop("n2")
    run.more()
    run.quiet()
    given_up = run.since(alone)
    run.stop("n1")
    run.empty("n1")
    run.start("n2")
    run.see_nobody_sells()
    run.quiet()
    run.accept_loss()
    run.more()
    run.start("n1")
    run.see_in_sync()
    return given_up
