"""The Jenkinsfile: which stages run for whom, with which rights, and what follows a failure."""

import pytest

from tests.jenkins.conftest import BEFORE, CANDIDATE, ROOT, Jenkins

STAGES = ["checks", "build", "train", "gate", "promote", "rollout", "smoke"]
JENKINSFILE = (ROOT / "Jenkinsfile").read_text()

# How each stage is made to fail, and the stage scripts that have run in the end.
FAILURES = {
    "checks": ({"STUB_FAIL": "^make test"}, ["checks"]),
    "build": ({"STUB_FAIL": "^podman push"}, STAGES[:2]),
    "train": ({"STUB_FAILED_JOB": "training"}, [*STAGES[:3], "rollback"]),
    "gate": ({"STUB_FAILED_JOB": "gate"}, [*STAGES[:4], "rollback"]),
    "promote": ({"STUB_FAILED_JOB": "promote"}, [*STAGES[:5], "rollback"]),
    "rollout": ({"STUB_FAIL": "rollout status .*timeout 600s$"}, [*STAGES[:6], "rollback"]),
    "smoke": ({"STUB_FAIL": "^jenkins.smoke"}, [*STAGES, "rollback"]),
}


def test_main_goes_through_every_stage_to_production(jenkins: Jenkins) -> None:
    outcome = jenkins.build()

    assert outcome.report["result"] == "SUCCESS", outcome.report["log"]
    assert outcome.ran == STAGES
    assert outcome.in_production == CANDIDATE
    assert outcome.subjects == []
    assert outcome.report["archived"] == ["var/delivery/gate/report.html"]
    assert outcome.report["reports"] == ["var/delivery/junit.xml"]


def test_each_part_has_its_own_agent_and_only_pushing_a_credential(jenkins: Jenkins) -> None:
    outcome = jenkins.build(CANARY=True)

    assert outcome.report["agents"] == ["checks", "images", "delivery"]
    agents = {command["agent"] for command in outcome.report["commands"]}
    assert agents == set(outcome.report["agents"])
    credentials = outcome.credentials
    assert credentials.pop("build") == ["image-registry"]
    assert not any(credentials.values())


def test_a_pull_request_is_checked_and_nothing_more(jenkins: Jenkins) -> None:
    # Its job's folder has no credentials; those of the other one would be bound if asked for.
    outcome = jenkins.build(change="7")

    assert outcome.report["result"] == "SUCCESS", outcome.report["log"]
    assert outcome.ran == ["checks"]
    assert outcome.report["agents"] == ["pull-request"]
    assert outcome.credentials == {"checks": []}
    assert outcome.calls == ["make test"]
    assert outcome.report["triggers"] == [""]


def test_a_pull_request_from_a_branch_named_main_is_a_pull_request(jenkins: Jenkins) -> None:
    jenkins.environment["CHANGE_BRANCH"] = "main"
    assert jenkins.build(change="8", TRAIN=True, CANARY=True).ran == ["checks"]


def test_another_branch_is_checked_without_credentials(jenkins: Jenkins) -> None:
    outcome = jenkins.build(branch="topic")

    assert outcome.ran == ["checks"]
    assert outcome.credentials == {"checks": []}


def test_a_timer_starts_main_alone(jenkins: Jenkins) -> None:
    no_longer = {"STUB_FAIL": "^make test"}
    assert jenkins.build(machine=no_longer).report["triggers"] == ["H 3 * * 0"]
    assert jenkins.build(branch="topic").report["triggers"] == [""]


def test_parameters_leave_out_training_and_put_a_canary_in(jenkins: Jenkins) -> None:
    outcome = jenkins.build(TRAIN=False, CANARY=True)

    assert outcome.report["result"] == "SUCCESS", outcome.report["log"]
    assert outcome.ran == ["checks", "build", "gate", "canary", "promote", "rollout", "smoke"]


@pytest.mark.parametrize("stage", FAILURES)
def test_a_failure_ends_in_production_as_before_and_an_email(jenkins: Jenkins, stage: str) -> None:
    machine, ran = FAILURES[stage]
    outcome = jenkins.build(machine=machine)

    assert outcome.report["result"] == "FAILURE", outcome.report["log"]
    assert outcome.ran == ran
    assert outcome.in_production == BEFORE
    (mail,) = outcome.report["mails"]
    assert mail["to"] == "ops@example.com"
    assert mail["subject"] == "[jenkins] FAILURE: delivery/classifier/main #12"
    assert f"Last stage: {stage}" in mail["body"]
    assert "https://jenkins.example.com/job/12/" in mail["body"]


@pytest.mark.parametrize("stage", ["Gate", "Smoke test"])
def test_a_stage_that_runs_out_of_time_is_a_failure(jenkins: Jenkins, stage: str) -> None:
    outcome = jenkins.build(abort=stage)

    assert outcome.ran[-1] == "rollback"
    assert outcome.in_production == BEFORE
    assert outcome.subjects == ["[jenkins] ABORTED: delivery/classifier/main #12"]


def test_the_report_of_a_refusal_is_archived(jenkins: Jenkins) -> None:
    outcome = jenkins.build(machine={"STUB_FAILED_JOB": "gate"})
    assert outcome.report["archived"] == ["var/delivery/gate/report.html"]


def test_a_rollback_that_fails_is_told(jenkins: Jenkins) -> None:
    machine = {"STUB_FAIL": "^jenkins.smoke", "STUB_FAILED_JOB": "rollback"}
    outcome = jenkins.build(machine=machine)

    assert "jenkins.notify ROLLBACK FAILED of cccccccccccc" in outcome.calls
    assert "production in the registry: NOT UNDONE" in (outcome.folder / "notified").read_text()
    assert outcome.subjects == ["[jenkins] FAILURE: delivery/classifier/main #12"]


@pytest.mark.parametrize("previous", ["FAILURE", "UNSTABLE", "ABORTED", "SUCCESS"])
def test_recovery_is_told_once(jenkins: Jenkins, previous: str) -> None:
    told = [] if previous == "SUCCESS" else ["[jenkins] RECOVERED: delivery/classifier/topic #12"]
    assert jenkins.build(branch="topic", previous=previous).subjects == told


def test_every_stage_has_a_time_limit_and_builds_are_one_at_a_time(jenkins: Jenkins) -> None:
    report = jenkins.build(change="7").report

    assert None not in report["limits"].values(), report["limits"]
    assert {"disableConcurrentBuilds", "buildDiscarder", "timeout"} <= set(report["options"])


def test_the_build_has_time_for_every_stage_and_the_rollback(jenkins: Jenkins) -> None:
    """At its own limit Jenkins kills `post` after a minute."""
    report = jenkins.build(branch="topic").report
    unit = {"HOURS": 60, "MINUTES": 1}
    main = {k: v for k, v in report["limits"].items() if k != "Checks of a pull request"}
    minutes = sum(limit["time"] * unit[limit["unit"]] for limit in main.values())
    whole = report["options"]["timeout"]
    assert whole["time"] * unit[whole["unit"]] > minutes + 30


def test_a_parameter_is_text_and_never_code(jenkins: Jenkins) -> None:
    why = """'; touch stolen; $(touch stolen) `touch stolen` "quoted" ${HOME}"""
    outcome = jenkins.build(DEPLOY_WHY=why)

    assert outcome.report["result"] == "SUCCESS", outcome.report["log"]
    assert not list(jenkins.folder.rglob("stolen"))
    (patch,) = [call for call in outcome.calls if call.startswith("kubectl patch")]
    # Kubernetes writes $ for $$, and a variable's value for $(NAME).
    assert r"$$(touch stolen) `touch stolen` \"quoted\" $${HOME}" in patch


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("archiveArtifacts artifacts", "archiveArtefacts artifacts", "no step `archiveArtefacts`"),
        ("allowEmptyArchive: true", "allowEmptyArchives: true", "takes no allowEmptyArchives"),
        ("unsuccessful {", "unsuccesful {", "no condition `unsuccesful`"),
        ("beforeAgent true", "beforAgent true", "knows no `beforAgent`"),
        ("disableConcurrentBuilds()", "disableConcurrentBuild()", "`disableConcurrentBuild`"),
        ("runStage 'gate'", "runStages 'gate'", "no step `runStages`"),
        ("params.TRAIN }", "parms.TRAIN }", "no variable `parms`"),
        ("'jenkins/stages/' + name", '"jenkins/stages/${params.DEPLOY_WHY}"', "something put"),
        ("steps { runStage 'gate' }", "", "neither steps nor stages"),
        ("agent none", "agent any", "no variable `any`"),
        ("stage('Gate') {", "stage('Gate' {", "unexpected token"),
        ("steps { runStage 'gate' }", "steps { if (1) { runStage 'gate' } }", "use `script`"),
        ("steps { runStage 'gate' }", "steps { def gate = 'gate'; runStage gate }", "use `script`"),
        ("steps { runStage 'gate' }", "steps { }", "`steps` is empty"),
        ("script {\n", "timestamps {\n", "use `script`"),
        (
            "tell currentBuild.currentResult",
            "env.X = ''; tell currentBuild.currentResult",
            "use `script`",
        ),
        ("timestamps()\n", "timestamps()\n        params.TRAIN = true\n", "use `script`"),
        ("DEPLOY = \"${env.DEPLOY ?: 'kubernetes'}\"", "DEPLOY = true", "texts and calls alone"),
        ("DEPLOY = \"${env.DEPLOY ?: 'kubernetes'}\"", "", "`environment` is empty"),
        ("when { expression { params.TRAIN } }", "when { beforeAgent true }", "no condition"),
        ("expression { params.TRAIN }", "not { beforeAgent true }", "stands in `when` itself"),
        ("expression { params.TRAIN }", "allOf { }", "`allOf` is empty"),
        ("triggers {", "triggers { cron('')", "two of `cron`"),
        (
            "options {\n        disable",
            "options {\n        parameters()\n        disable",
            "no `parameters`",
        ),
        (
            "options { timeout(time: 6, unit: 'HOURS') }",
            "options { buildDiscarder() }",
            "no `buildDiscarder`",
        ),
        (
            "steps { runStage 'gate' }",
            "steps { stage('x') { runStage 'gate' } }",
            "no step `stage`",
        ),
        ("steps { runStage 'gate' }", "steps { parallel a: { sh 'x' } }", "no step `parallel`"),
    ],
)
def test_what_jenkins_would_not_take_is_refused(
    jenkins: Jenkins, right: str, wrong: str, reason: str
) -> None:
    assert right in JENKINSFILE
    report = jenkins.build(jenkinsfile=JENKINSFILE.replace(right, wrong)).report
    assert reason in report.get("refused", ""), report
