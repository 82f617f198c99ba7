"""A Mesos cluster behind the Driver and Logs ports, by way of pymesos.

driver.py      MesosDriver: events in through pymesos, effects out through one ordered sender
subscription.py  the one subclass of pymesos' driver, and what it cures
translate.py   Mesos' messages <-> the model's values; pure, with its parts in the files it names
sender.py      one thread that sends calls in order; what became of each is a value of outcome.py
masters.py     a static list of masters
logs.py        outputs of attempts, from their sandboxes through the agents
"""
