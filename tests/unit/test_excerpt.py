"""Some jobs of a DAG as a DAG of their own: who waits for whom then."""

from moroccron.model.dag_version import TriggerRule
from moroccron.model.excerpt import excerpt
from moroccron.testing import a_job, a_version


def upstream(version):
    return {job.id: job.upstream for job in version.jobs}


def test_all_jobs_are_the_dag_itself():
    whole = a_version(jobs={"a": [], "b": ["a"]})
    assert excerpt(whole, {"a", "b"}) is whole


def test_a_job_waits_for_the_nearest_chosen_ones_before_it():
    whole = a_version(jobs={"a": [], "b": ["a"], "x": [], "c": ["b", "x"], "d": ["c", "a"]})
    assert upstream(excerpt(whole, {"a", "d"})) == {"a": (), "d": ("a",)}
    assert upstream(excerpt(whole, {"a", "b", "d"})) == {"a": (), "b": ("a",), "d": ("a", "b")}
    assert upstream(excerpt(whole, {"d"})) == {"d": ()}


def test_what_a_job_says_of_those_left_out_is_void():
    jobs = [
        a_job("a"),
        a_job("b"),
        a_job("c", ["a", "b"], run_if="a.failed or b.failed"),
        a_job("d", ["a"], trigger_rule=TriggerRule.ONE_FAILED),
    ]
    (_, c, d) = excerpt(a_version(jobs=jobs), {"a", "c", "d"}).jobs
    assert (c.upstream, c.run_if, c.trigger_rule) == (("a",), None, TriggerRule.ALL_SUCCESS)
    assert d.trigger_rule is TriggerRule.ONE_FAILED


def test_an_excerpt_has_an_address_of_its_own():
    whole = a_version(jobs={"a": [], "b": ["a"]})
    assert excerpt(whole, {"b"}).id not in ("", whole.id)
