using Troupe.DevCluster.Api;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>What a pod's spec can ask of a node.</summary>
public sealed class PodFeatureTests(PodCluster cluster)
{
    [Fact]
    public async Task Probes_decide_when_a_container_is_started_ready_and_restarted()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "mkdir /tmp/w; touch /tmp/w/live; httpd -f -p 8080 -h /tmp/w"]
                startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, failureThreshold: 20}
                readinessProbe: {httpGet: {path: /ready, port: web}, periodSeconds: 1, failureThreshold: 1}
                livenessProbe: {exec: {command: [test, -e, /tmp/w/live]}, periodSeconds: 1, failureThreshold: 1}
                ports: [{name: web, containerPort: 8080}]
            """);
        await ns.UntilAsync(ResourceKey.Pods, "p", p => p["status"]?["containerStatuses"]?[0]?["started"]?.GetValue<bool>() == true);
        await ns.EventAsync("p", "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404");
        Assert.Equal("false", await ns.ReadAsync("pod p", "{.status.containerStatuses[0].ready}"));
        await ns.RunAsync(["exec", "p", "--", "touch", "/tmp/w/ready"]);
        await ns.RunningAsync("p");
        await ns.RunAsync(["exec", "p", "--", "rm", "/tmp/w/live"]);
        await ns.UntilAsync(ResourceKey.Pods, "p", p => p["status"]?["containerStatuses"]?[0]?["restartCount"]?.GetValue<int>() == 1);
        await ns.EventAsync("p", "Killing: Container c failed liveness probe, will be restarted");
        await ns.KubectlAsync("delete pod p");
    }

    [Fact]
    public async Task Sidecars_start_before_the_main_containers_and_hooks_run_around_them()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              restartPolicy: Never
              volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]
              initContainers:
              - {name: side, image: IMAGE, restartPolicy: Always, command: [sh, -c, "echo side >>/v/log; sleep 1000"], volumeMounts: [{name: v, mountPath: /v}],
                 startupProbe: {exec: {command: [test, -e, /v/log]}, periodSeconds: 1}}
              - {name: init, image: IMAGE, command: [sh, -c, "echo init >>/v/log"], volumeMounts: [{name: v, mountPath: /v}]}
              containers:
              - name: main
                image: IMAGE
                command: [sh, -c, "until grep -q post /v/log; do sleep 0.1; done; cat /v/log; df -k /v | tail -1"]
                volumeMounts: [{name: v, mountPath: /v}]
                lifecycle: {postStart: {exec: {command: [sh, -c, "echo post >>/v/log"]}}}
            """);
        await ns.PhaseAsync("p", "Succeeded");
        var log = await ns.KubectlAsync("logs p -c main");
        Assert.StartsWith("side\ninit\npost\n", log);
        Assert.Contains("1024", log);
    }

    [Fact]
    public async Task Environment_and_volumes_show_the_pod_and_its_config_which_may_change()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: cm}
            data: {a: one, b: two}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            stringData: {key: hidden}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p, labels: {app: x}}
            spec:
              terminationGracePeriodSeconds: 0
              hostAliases: [{ip: 10.1.2.3, hostnames: [alias.test]}]
              securityContext: {runAsUser: 1000, fsGroup: 2000}
              volumes:
              - {name: cfg, configMap: {name: cm}}
              - {name: all, projected: {sources: [{secret: {name: s}}, {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}
              - {name: empty, emptyDir: {}}
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "echo $(BOTH) $KEY $PRE_b $LIMIT $POD; id; cat /all/key /all/labels; echo; grep alias /etc/hosts; echo x >/data/f && stat -c %g /data/f; touch /ro 2>&1; until grep -q changed /cfg/a; do sleep 0.2; done; echo saw it; sleep 1000"]
                env:
                - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                - {name: KEY, valueFrom: {secretKeyRef: {name: s, key: key}}}
                - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
                - {name: BOTH, value: "$(POD)-$(KEY)"}
                envFrom: [{prefix: PRE_, configMapRef: {name: cm}}]
                resources: {limits: {memory: 64Mi}}
                securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
                volumeMounts: [{name: cfg, mountPath: /cfg}, {name: all, mountPath: /all}, {name: empty, mountPath: /data, subPath: inner}]
            """);
        await ns.UntilLogAsync("p", "alias");
        await ns.KubectlAsync("patch cm cm -p '{\"data\":{\"a\":\"changed\"}}'");
        await ns.UntilLogAsync("p", "saw it");
        var log = await ns.KubectlAsync("logs p");
        Assert.Contains("p-hidden hidden two 64 p", log);
        Assert.Contains("uid=1000", log);
        Assert.Contains("2000", log);
        Assert.Contains("hiddenapp=\"x\"", log);
        Assert.Contains("10.1.2.3\talias.test", log);
        Assert.Contains("Read-only file system", log);
        await ns.KubectlAsync("delete pod p");
    }

    [Fact]
    public async Task A_pod_over_its_deadline_fails_and_a_container_can_leave_a_last_word()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: late}
            spec:
              activeDeadlineSeconds: 1
              terminationGracePeriodSeconds: 0
              containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: message}
            spec:
              restartPolicy: Never
              containers: [{name: c, image: IMAGE, command: [sh, -c, "echo why >/dev/termination-log; exit 7"]}]
            """);
        await ns.PhaseAsync("late", "Failed");
        Assert.Equal("DeadlineExceeded", await ns.ReadAsync("pod late", "{.status.reason}"));
        await ns.PhaseAsync("message", "Failed");
        Assert.Equal("7 why\n", await ns.ReadAsync("pod message", "{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.message}"));
    }

    [Fact]
    public async Task A_container_that_the_kernel_ends_for_its_memory_says_so()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              restartPolicy: Never
              containers: [{name: c, image: IMAGE, command: [sh, -c, "exec tail /dev/zero"], resources: {limits: {memory: 16Mi}}}]
            """);
        await ns.PhaseAsync("p", "Failed");
        Assert.Equal("137 OOMKilled", await ns.ReadAsync("pod p", "{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.reason}"));
    }

    [Fact]
    public async Task Kubectl_debug_adds_a_container_that_sees_the_processes_of_another()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: IMAGE, command: [sleep, "12345"]}]}
            """);
        await ns.RunningAsync("p");
        await ns.RunAsync(["debug", "p", $"--image={BusyboxImage.Name}", "--target=c", "--container=dbg", "--", "sh", "-c", "ps"]);
        await ns.UntilAsync(ResourceKey.Pods, "p", p => p["status"]?["ephemeralContainerStatuses"]?[0]?["state"]?["terminated"]?["reason"]?.GetValue<string>() == "Completed");
        Assert.Contains("sleep 12345", await ns.KubectlAsync("logs p -c dbg"));
        Assert.Equal("Running 0", await ns.ReadAsync("pod p", "{.status.phase} {.status.containerStatuses[0].restartCount}"));
        Assert.Contains("may not be removed", await ns.KubectlAsync("patch pod p --subresource=ephemeralcontainers --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/ephemeralContainers\"}]'"));
        await ns.KubectlAsync("delete pod p");
    }

    [Fact]
    public async Task Missing_images_and_keys_are_named_and_a_gate_holds_readiness_back()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: image}
            spec: {containers: [{name: c, image: "registry.test/none:1", imagePullPolicy: Never}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: key}
            spec: {containers: [{name: c, image: IMAGE, env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: a}}}]}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: gated}
            spec:
              terminationGracePeriodSeconds: 0
              readinessGates: [{conditionType: example.com/go}]
              containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]
            """);
        await ns.UntilAsync(ResourceKey.Pods, "image", p => p["status"]?["containerStatuses"]?[0]?["state"]?["waiting"]?["reason"]?.GetValue<string>() == "ErrImageNeverPull");
        await ns.UntilAsync(ResourceKey.Pods, "key", p => p["status"]?["containerStatuses"]?[0]?["state"]?["waiting"]?["reason"]?.GetValue<string>() == "CreateContainerConfigError");
        await ns.UntilAsync(ResourceKey.Pods, "gated", p => p["status"]!.ToJsonString().Contains("ReadinessGatesNotReady", StringComparison.Ordinal));
        await ns.KubectlAsync("patch pod gated --subresource=status -p '{\"status\":{\"conditions\":[{\"type\":\"example.com/go\",\"status\":\"True\"}]}}'");
        await ns.RunningAsync("gated");
        await ns.KubectlAsync("delete pod image key gated");
    }
}
