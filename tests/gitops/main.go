// Command argocd-sync compares rendered objects with a cluster and syncs them, as an Application of Argo CD with
// ServerSideApply, ServerSideDiff and prune does: by Argo CD's own library. It prints one JSON object.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/argoproj/gitops-engine/pkg/cache"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"github.com/argoproj/gitops-engine/pkg/sync"
	"github.com/argoproj/gitops-engine/pkg/sync/common"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	manager  = "argocd-controller"
	tracking = "argocd.argoproj.io/tracking-id"
	// Between two looks at the cluster.
	pause = time.Second
)

// outcome is what is printed; objects are named Kind/name.
type outcome struct {
	// OutOfSync are the objects that differed from the rendered ones before the sync, with what they are and should be.
	OutOfSync map[string]difference `json:"out_of_sync"`
	// Applied are the objects that the sync has applied or pruned, with what the API server answered.
	Applied map[string]string `json:"applied"`
	// Waves are those that were applied, in their order.
	Waves []int `json:"waves"`
	// Phase of the sync: Succeeded, Failed, Error, or Running after the timeout; empty without a sync.
	Phase   common.OperationPhase `json:"phase"`
	Message string                `json:"message"`
	// Health of the objects after the sync that have one.
	Health map[string]health.HealthStatusCode `json:"health"`
}

type difference struct {
	Live   json.RawMessage `json:"live"`
	Wanted json.RawMessage `json:"wanted"`
}

type application struct {
	name, namespace string
	config          *rest.Config
	kubectl         *kube.KubectlCmd
	cache           cache.ClusterCache
	targets         []*unstructured.Unstructured
}

func main() {
	kubeContext := flag.String("context", "", "context of the kubeconfig")
	directory := flag.String("directory", "", "folder of the rendered objects")
	namespace := flag.String("namespace", "", "namespace of the release")
	name := flag.String("application", "airflow", "name of the Application")
	compareOnly := flag.Bool("compare", false, "compare, and change nothing")
	timeout := flag.Duration("timeout", 10*time.Minute, "time that the sync may take")
	flag.Parse()

	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	overrides := &clientcmd.ConfigOverrides{CurrentContext: *kubeContext}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	check(err)
	config.QPS, config.Burst = 50, 100
	app := &application{
		name:      *name,
		namespace: *namespace,
		config:    config,
		kubectl:   &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}},
	}
	app.targets, err = app.read(*directory)
	check(err)
	app.cache = cache.NewClusterCache(config,
		cache.SetLogr(logr.Discard()),
		cache.SetKubectl(app.kubectl),
		cache.SetNamespaces([]string{*namespace}),
		cache.SetClusterResources(true),
		cache.SetPopulateResourceInfoHandler(func(live *unstructured.Unstructured, _ bool) (any, bool) {
			id := live.GetAnnotations()[tracking]
			return id, id != ""
		}),
	)
	check(app.cache.EnsureSynced())

	result := outcome{Applied: map[string]string{}, Waves: []int{}}
	result.OutOfSync, err = app.compare()
	check(err)
	if !*compareOnly {
		check(app.sync(&result, time.Now().Add(*timeout)))
	}
	result.Health, err = app.health()
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(result))
}

// read returns the objects of all files, marked as the application's.
func (app *application) read(directory string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := kube.SplitYAML(data)
		objects = append(objects, found...)
		return err
	})
	for _, object := range objects {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		gvk := object.GroupVersionKind()
		annotations[tracking] = fmt.Sprintf("%s:%s/%s:%s/%s", app.name, gvk.Group, gvk.Kind, object.GetNamespace(), object.GetName())
		object.SetAnnotations(annotations)
	}
	return objects, err
}

// reconcile pairs the rendered objects with those of the cluster.
func (app *application) reconcile() (sync.ReconciliationResult, error) {
	live, err := app.cache.GetManagedLiveObjs(app.targets, func(resource *cache.Resource) bool {
		id, _ := resource.Info.(string)
		return strings.HasPrefix(id, app.name+":")
	})
	if err != nil {
		return sync.ReconciliationResult{}, err
	}
	return sync.Reconcile(app.targets, live, app.namespace, app.cache), nil
}

func (app *application) compare() (map[string]difference, error) {
	pairs, err := app.reconcile()
	if err != nil {
		return nil, err
	}
	applier, cleanup, err := kube.ManageServerSideDiffDryRuns(
		app.config, app.cache.GetOpenAPISchema(), tracing.NopTracer{}, logr.Discard(),
		func(string) (kube.CleanupFunc, error) { return func() {}, nil },
	)
	if err != nil {
		return nil, err
	}
	defer cleanup()
	found := map[string]difference{}
	for index, target := range pairs.Target {
		live := pairs.Live[index]
		if live != nil {
			// The cache's own object stays as it is.
			live = live.DeepCopy()
		}
		result, err := diff.Diff(target, live,
			diff.WithServerSideDiff(true),
			diff.WithServerSideDryRunner(diff.NewK8sServerSideDryRunner(applier)),
			diff.WithGVKParser(app.cache.GetGVKParser()),
			diff.WithIgnoreMutationWebhook(true),
			diff.WithManager(manager),
			diff.WithLogr(logr.Discard()),
		)
		if err != nil {
			return nil, err
		}
		if result.Modified {
			found[title(target, live)] = difference{result.NormalizedLive, result.PredictedLive}
		}
	}
	return found, nil
}

// sync looks at the cluster and goes on as far as it can, until the sync has ended.
func (app *application) sync(result *outcome, until time.Time) error {
	started := metav1.Now()
	policy := metav1.DeletePropagationForeground
	result.Phase = common.OperationRunning
	var results []common.ResourceSyncResult
	for result.Phase.Running() && time.Now().Before(until) {
		pairs, err := app.reconcile()
		if err != nil {
			return err
		}
		step, cleanup, err := sync.NewSyncContext(
			"rendered", pairs, app.config, app.config, app.kubectl, app.namespace, app.cache.GetOpenAPISchema(),
			sync.WithLogr(logr.Discard()),
			sync.WithOperationSettings(false, true, false, false),
			sync.WithInitialState(result.Phase, result.Message, results, started),
			sync.WithPrunePropagationPolicy(&policy),
			sync.WithServerSideApply(true),
			sync.WithServerSideApplyManager(manager),
			sync.WithSyncWaveHook(func(_ common.SyncPhase, wave int, _ bool) error {
				result.Waves = append(result.Waves, wave)
				return nil
			}),
		)
		if err != nil {
			return err
		}
		step.Sync()
		result.Phase, result.Message, results = step.GetState()
		cleanup()
		time.Sleep(pause)
	}
	for _, one := range results {
		result.Applied[one.ResourceKey.Kind+"/"+one.ResourceKey.Name] = fmt.Sprintf("%s: %s", one.Status, one.Message)
	}
	return nil
}

func (app *application) health() (map[string]health.HealthStatusCode, error) {
	pairs, err := app.reconcile()
	if err != nil {
		return nil, err
	}
	found := map[string]health.HealthStatusCode{}
	for index, live := range pairs.Live {
		if live == nil {
			found[title(pairs.Target[index], nil)] = health.HealthStatusMissing
			continue
		}
		status, err := health.GetResourceHealth(live, nil)
		if err != nil {
			return nil, err
		}
		if status != nil {
			found[title(live, nil)] = status.Status
		}
	}
	return found, nil
}

func title(objects ...*unstructured.Unstructured) string {
	for _, object := range objects {
		if object != nil {
			return object.GetKind() + "/" + object.GetName()
		}
	}
	return ""
}

func check(err error) {
	if err != nil {
		log.SetFlags(0)
		log.Fatal(err)
	}
}
