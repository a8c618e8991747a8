# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The labels by which the objects of a release are known."""

from __future__ import annotations

#: Names the release; what lacks it is not the collection's.
RELEASE_LABEL = "airflow.kubernetes/release"
#: The component that an object belongs to, and the version of Airflow that it was made for; recommended by Kubernetes.
COMPONENT_LABEL = "app.kubernetes.io/component"
VERSION_LABEL = "app.kubernetes.io/version"
#: Names the apply set within the release.
SET_LABEL = "airflow.kubernetes/set"
#: The apply set of the user's own objects.
EXTRA_SET = "extra_objects"

#: Marks the pods of workers, and names the group of each.
WORKER_LABEL = "airflow.kubernetes/worker"
WORKER_GROUP_LABEL = "airflow.kubernetes/worker-group"
#: Marks the pods that the scheduler makes for tasks, which belong to no other object.
TASK_POD_LABEL = "airflow.kubernetes/task-pod"
#: Annotation of a worker's pod that takes no more tasks: the container that was drained, not one that follows it.
DRAINED_ANNOTATION = "airflow.kubernetes/drained"
