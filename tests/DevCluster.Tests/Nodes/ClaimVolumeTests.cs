using Troupe.DevCluster.Api;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>Claims in real pods.</summary>
public sealed class ClaimVolumeTests(PodCluster cluster)
{
    [Fact]
    public async Task Pods_on_two_nodes_share_a_ReadWriteMany_volume_that_is_deleted_with_its_claim()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync(Claim("shared", "ReadWriteMany") + Pod("writer", "node-1", "shared", "echo hello >/data/f; sleep 1000") + Pod("reader", "node-2", "shared", "until cat /data/f 2>/dev/null; do sleep 0.1; done"));
        await ns.PhaseAsync("reader", "Succeeded");
        Assert.Equal("hello\n", await ns.KubectlAsync("logs reader"));
        var claim = await ns.Api.GetAsync(ResourceKey.PersistentVolumeClaims, ns.Name, "shared");
        var volume = claim["spec"]!["volumeName"]!.GetValue<string>();
        Assert.Equal("1Gi", claim["status"]!["capacity"]!["storage"]!.GetValue<string>());

        // Protected while a pod uses it.
        await ns.KubectlAsync("delete pvc shared --wait=false");
        Assert.NotNull((await ns.Api.GetAsync(ResourceKey.PersistentVolumeClaims, ns.Name, "shared"))["metadata"]!["deletionTimestamp"]);
        await ns.KubectlAsync("delete pod writer reader --grace-period=1");
        await ns.GoneAsync(ResourceKey.PersistentVolumeClaims, "shared");
        await ns.GoneAsync(ResourceKey.PersistentVolumes, volume, namespaced: false);
        Assert.False(Directory.Exists($"{cluster.StateDirectory}/volumes/{volume}"));
    }

    [Fact]
    public async Task A_ReadWriteOnce_volume_is_refused_on_a_second_node_until_the_first_pod_is_gone()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync(Claim("once", "ReadWriteOnce") + Pod("a", "node-1", "once", "sleep 1000"));
        await ns.RunningAsync("a");
        await ns.ApplyAsync(Pod("same-node", "node-1", "once", "sleep 1000") + Pod("b", "node-2", "once", "sleep 1000"));
        await ns.RunningAsync("same-node");
        await ns.EventAsync("b", "FailedAttachVolume: Multi-Attach error for volume");
        await ns.KubectlAsync("delete pod a same-node --grace-period=1");
        await ns.RunningAsync("b");
        await ns.KubectlAsync("delete pod b --grace-period=1");
    }

    [Fact]
    public async Task A_block_volume_is_a_device_of_the_asked_size_and_grows()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: disk}
            spec: {accessModes: [ReadWriteMany], volumeMode: Block, resources: {requests: {storage: 8Mi}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              restartPolicy: Never
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "blockdev --getsize64 /dev/xvda; until [ $(blockdev --getsize64 /dev/xvda) = 16777216 ]; do sleep 0.1; done; exit 0"]
                volumeDevices: [{name: d, devicePath: /dev/xvda}]
              volumes: [{name: d, persistentVolumeClaim: {claimName: disk}}]
            """);
        await ns.RunningAsync("p");
        Assert.Contains("8388608", await ns.KubectlAsync("logs p"));
        await ns.KubectlAsync("patch pvc disk -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"16Mi\"}}}}'");
        await ns.UntilAsync(ResourceKey.PersistentVolumeClaims, "disk", c => c["status"]?["capacity"]?["storage"]?.GetValue<string>() == "16Mi");
        await ns.PhaseAsync("p", "Succeeded");
        Assert.Contains("field can not be less than", await ns.KubectlAsync("patch pvc disk -p '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1Mi\"}}}}'"));
        await ns.KubectlAsync("delete pod p");
        await ns.KubectlAsync("delete pvc disk");
    }

    [Fact]
    public async Task A_waiting_claim_gets_its_volume_when_its_first_pod_is_scheduled()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync(Claim("late", "ReadWriteOnce", "storageClassName: standard-wait"));
        await ns.EventAsync("late", "WaitForFirstConsumer: waiting for first consumer to be created before binding");
        Assert.Equal("Pending", await ns.ReadAsync("pvc late", "{.status.phase}"));
        await ns.ApplyAsync(Pod("p", "", "late", "sleep 1000"));
        await ns.RunningAsync("p");
        Assert.Equal(await ns.ReadAsync("pod p", "{.spec.nodeName}"), await ns.ReadAsync("pvc late", "{.metadata.annotations.volume\\.kubernetes\\.io/selected-node}"));
        await ns.KubectlAsync("delete pod p --grace-period=1");
    }

    [Fact]
    public async Task A_pod_waits_for_its_claim_and_says_so()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync(Pod("p", "", "missing", "sleep 1000"));
        await ns.EventAsync("p", "FailedScheduling: 0/2 nodes are available: persistentvolumeclaim \"missing\" not found.");
        await ns.ApplyAsync(Claim("missing", "ReadWriteOnce", "storageClassName: ''"));
        await ns.EventAsync("p", "FailedScheduling: 0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.");
        await ns.EventAsync("missing", "FailedBinding: no persistent volumes available for this claim and no storage class is set");
        await ns.ApplyAsync($$$"""
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: "{{{ns.Name}}}-static"}
            spec: {capacity: {storage: 5Gi}, accessModes: [ReadWriteOnce], hostPath: {path: "{{{ns.Folder}}}/{{{ns.Name}}}-static"}, storageClassName: ""}
            """);
        await ns.RunningAsync("p");
        Assert.Equal($"{ns.Name}-static 5Gi", await ns.ReadAsync("pvc missing", "{.spec.volumeName} {.status.capacity.storage}"));
        await ns.KubectlAsync("delete pod p --grace-period=1");
        await ns.KubectlAsync("delete pvc missing");
        // Retain: the data and the volume stay, for nobody.
        await ns.KubectlAsync($"wait --for=jsonpath={{.status.phase}}=Released pv/{ns.Name}-static --timeout=20s");
        Assert.True(Directory.Exists($"{ns.Folder}/{ns.Name}-static"));
        await ns.KubectlAsync($"delete pv {ns.Name}-static");
    }

    private static string Claim(string name, string mode, string more = "") => $"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: {name}
        spec:
          accessModes: [{mode}]
          resources:
            requests:
              storage: 1Gi
          {more}
        ---

        """;

    private static string Pod(string name, string node, string claim, string script) => $"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {name}
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 0
          nodeSelector:
            {(node.Length > 0 ? "kubernetes.io/hostname: " + node : "kubernetes.io/os: linux")}
          containers:
          - name: c
            image: IMAGE
            command: [sh, -c, "{script}"]
            volumeMounts:
            - name: data
              mountPath: /data
          volumes:
          - name: data
            persistentVolumeClaim:
              claimName: {claim}
        ---

        """;
}
