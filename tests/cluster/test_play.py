"""The rendered production, run: the service, the promotion of another version, and the judge."""

import pytest

from tests.api.variants import Model
from tests.cluster.cluster import Cluster, ask, check_restrictions, expected, pictures
from tests.cluster.podman import WITHIN, Played
from tests.waiting import until


@pytest.mark.timeout(900)
def test_production_serves_promotes_and_judges(
    cluster: Cluster, models: list[Model], port: str
) -> None:
    url = f"http://127.0.0.1:{port}"
    images = pictures()
    with cluster.play("Deployment/classifier", {"SERVE_PORT": port}) as service:
        assert service.wait_for(f"{url}/ready")["data"]["version"] == cluster.first
        assert ask(url, images) == expected(models[0][0], images)
        check_restrictions(service)

        with cluster.play("CronJob/promote", {}, {"CANDIDATE": cluster.second}) as promotion:
            assert promotion.wait() == 0, promotion.log
        wait_for_version(service, url, cluster.second)
        assert ask(url, images) == expected(models[1][0], images)

        with cluster.play(
            "CronJob/judge",
            ROLLOUT_PRODUCTION=url,
            ROLLOUT_CANARY=url,
            ROLLOUT_WINDOW="1",
            ROLLOUT_MAX_IMAGES="5",
            ROLLOUT_REPORT="/tmp/judgement.json",
        ) as judge:
            assert judge.wait() == 4, judge.log
            assert "both say the same of 5 of 5 images" in judge.log

        service.podman("stop", service.container)
        assert service.wait() == 0
        assert "stopping on SIGTERM" in service.log


@pytest.mark.timeout(900)
def test_a_pinned_version_is_served_whatever_is_in_production(cluster: Cluster, port: str) -> None:
    configuration, pinned = {"SERVE_PORT": port}, {"MODEL_VERSION": cluster.second}
    with cluster.play("Deployment/classifier", configuration, pinned) as service:
        assert (
            service.wait_for(f"http://127.0.0.1:{port}/ready")["data"]["version"] == cluster.second
        )


def wait_for_version(service: Played, url: str, version: str) -> None:
    def serves() -> bool:
        return bool(service.wait_for(f"{url}/info")["data"]["version"] == version)

    until(serves, lambda: service.log, WITHIN)
