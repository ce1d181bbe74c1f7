"""The console's pages of invoices, as finance, an auditor and support use them; part of console.py."""

ALL = "/console/reconciliation"


def decide(visit, facts):
    """Finance finds the invoice, narrows its items down and decides on one, then on a class."""
    visit.click(f"nav a[href='{ALL}']")
    visit.expect(visit.text("tbody tr th") == "2027-01 <b>", "the list has " + visit.text("tbody"))
    visit.look("reconciliation", ALL)
    visit.go(ALL)
    visit.click("tbody tr th a")
    address = visit.path()
    visit.expect(classes(visit) == facts["classes"], f"the classes are {classes(visit)}")
    visit.look("reconciled", address)
    visit.go(address)
    visit.click("a[href$='class=missing_with_us']")
    visit.expect(states(visit) == ["open"] * 2, f"missing with us are {states(visit)}")
    # What is not said is not done: the browser itself refuses an empty reason; without an item the service does.
    choose(visit, "claimed", "not ours")
    visit.click(".decide button")
    visit.expect("Choose an item" in visit.text("main"), "without an item it says " + visit.text("main"))
    visit.go(address + "?class=missing_with_us")
    visit.browser.evaluate("document.querySelector('tbody input[type=checkbox]').click()")
    choose(visit, "claimed", "not ours")
    visit.click(".decide button")
    visit.expect(visit.path() == address + "?class=missing_with_us", "a decision leads to " + visit.path())
    visit.expect(states(visit) == ["claimed", "open"], f"after a claim they are {states(visit)}")
    visit.expect("not ours, operator:fin" in visit.text("#items"), "the reason is not there")
    visit.browser.evaluate("document.querySelector('#every').click()")
    choose(visit, "accepted", "small")
    visit.click(".decide button")
    visit.expect(states(visit) == ["claimed", "accepted"], f"after accepting they are {states(visit)}")
    # A claim can't be accepted, and nothing happens.
    visit.browser.evaluate("document.querySelector('tbody input[type=checkbox]').click()")
    choose(visit, "accepted", "by mistake")
    visit.click(".decide button")
    visit.expect("is claimed, and must be open to be accepted" in visit.text("main"), "it says " + visit.text("main"))
    visit.go(address + "?class=none")
    visit.expect("there is no class none" in visit.text("main"), "an unknown class shows " + visit.text("main"))


def only_look(visit):
    """An auditor sees it, without a form."""
    visit.click(f"nav a[href='{ALL}']")
    visit.click("tbody tr th a")
    visit.expect(visit.text("h1") == "Invoice 2027-01 <b>", "the auditor sees " + visit.text("h1"))
    visit.expect(not visit.browser.evaluate("!!document.querySelector('.decide, tbody input')"), "an auditor may decide")


def not_for_support(visit):
    visit.expect(not visit.browser.evaluate(f"!!document.querySelector(\"nav a[href='{ALL}']\")"), "support is offered invoices")
    visit.go(ALL)
    visit.expect(visit.text("h1") == "Not for your role", "support sees " + visit.text("h1"))


def classes(visit):
    return visit.browser.evaluate(
        "Object.fromEntries([...document.querySelector('main table').tBodies[0].rows]"
        ".map(r => [r.cells[0].innerText, r.cells[1].innerText]))")


def states(visit):
    return visit.browser.evaluate("[...document.querySelectorAll('#items tbody td:last-child .chip')].map(e => e.innerText)")


def choose(visit, resolution, reason):
    visit.browser.evaluate(f"document.querySelector('#as').value = '{resolution}'")
    visit.type("#reason", reason)
