using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Parity;

/// <summary>Launcher pods beside KubeVirt's, member by member.</summary>
public static class PodParity
{
    private const string Uid = "11111111-2222-3333-4444-555555555555";
    private static readonly LauncherPodOptions Options = new("registry:5000/kubevirt/virt-launcher:v1.9.0", UseEmulation: false);

    /// <summary>Of Troupe's own making, with the reasons in docs/parity.md; a path matches with all that is below it.</summary>
    private static readonly string[] Own =
    [
        "metadata.name", "metadata.generateName", "metadata.namespace", "status",
        "metadata.annotations.post.hook.backup.velero.io/command", "metadata.annotations.post.hook.backup.velero.io/container",
        "metadata.annotations.pre.hook.backup.velero.io/command", "metadata.annotations.pre.hook.backup.velero.io/container", "metadata.annotations.pre.hook.backup.velero.io/timeout",
        "spec.initContainers", "spec.securityContext", "spec.volumes[virt-bin-share-dir]", "spec.volumes[launcher-volume]",
        "spec.containers[compute].command", "spec.containers[compute].securityContext",
        "spec.containers[compute].env[XDG_CACHE_HOME]", "spec.containers[compute].env[XDG_CONFIG_HOME]", "spec.containers[compute].env[XDG_RUNTIME_DIR]",
        "spec.containers[compute].resources.limits.devices.kubevirt.io/vhost-net",
        "spec.containers[compute].volumeMounts[/var/run/kubevirt-kernel-boot]", "spec.containers[compute].volumeMounts[/var/run/kubevirt-image-volume/kernel-boot]",
    ];

    public static async Task<PodScore> RunAsync(string folder, TextWriter output, bool list)
    {
        var webhooks = new WebhookTable(new StoredInstancetypes());
        var score = new PodScore();
        foreach (var line in BehaviourData.Read(folder, "pod"))
        {
            if (line.GetProperty("pod") is not { ValueKind: JsonValueKind.Object } expected)
            {
                score.Skip();
                continue;
            }

            var pod = LauncherPodRenderer.Render(await InstanceAsync(webhooks, line.GetProperty("object")), "pod", Options);
            var actual = JsonSerializer.SerializeToElement(pod, ApiJson.Default.Pod);
            score.Add($"{line.GetProperty("file").GetString()} {line.GetProperty("mutation").GetString()}",
                [.. Differences.Between(expected, actual, IsOwn).Where(d => !IsSameQuantity(d))]);
        }

        score.Print(output, list);
        return score;
    }

    /// <summary>The VMI as it is stored: the object itself, or what a VirtualMachine's template makes.</summary>
    private static async Task<VirtualMachineInstance> InstanceAsync(WebhookTable webhooks, JsonElement obj)
    {
        if (obj.GetProperty("kind").GetString() == "VirtualMachine")
            obj = FromTemplate(await MutateAsync(webhooks, "virtualmachines", obj));
        var vmi = (await MutateAsync(webhooks, "virtualmachineinstances", obj)).Deserialize(ApiJson.Default.VirtualMachineInstance)!;
        return vmi with { Metadata = vmi.Metadata with { Uid = Uid, Namespace = "default" } };
    }

    private static async Task<JsonElement> MutateAsync(WebhookTable webhooks, string resource, JsonElement obj)
    {
        var request = new AdmissionRequest { Object = obj, Namespace = "default" };
        var answer = await webhooks.All.Single(w => w.IsMutating && w.Resources.Contains(resource))
            .Admit(new AdmissionCall(request, AdmissionParity.KubeVirtDefaults, new CaseCluster(null), false, DateTimeOffset.UnixEpoch), CancellationToken.None);
        return answer.Mutated is { } mutated ? JsonSerializer.SerializeToElement(mutated, mutated.GetType(), ApiJson.Default) : obj;
    }

    private static JsonElement FromTemplate(JsonElement machine)
    {
        var template = machine.GetProperty("spec").TryGetProperty("template", out var t) ? JsonObject.Create(t)! : [];
        var metadata = template["metadata"]?.DeepClone().AsObject() ?? [];
        metadata["name"] = machine.GetProperty("metadata").GetProperty("name").GetString();
        return JsonSerializer.SerializeToElement(new JsonObject
        {
            ["apiVersion"] = "kubevirt.io/v1",
            ["kind"] = "VirtualMachineInstance",
            ["metadata"] = metadata,
            ["spec"] = template["spec"]?.DeepClone(),
        });
    }

    private static bool IsOwn(string path) => Own.Any(o => path == o || path.StartsWith($"{o}.", StringComparison.Ordinal) || path.StartsWith($"{o}[", StringComparison.Ordinal));

    /// <summary>`1292Mi` and its number of bytes are one amount.</summary>
    private static bool IsSameQuantity(Difference d) => d.Path.Contains("resources.", StringComparison.Ordinal)
        && Quantity.TryParse(d.Expected?.ToString(), out var expected) && Quantity.TryParse(d.Actual?.ToString(), out var actual) && expected == actual;
}

public sealed class PodScore
{
    private readonly Dictionary<string, List<string>> _differences = [];
    private int _pods;
    private int _same;
    private int _skipped;

    public double Same => _pods == 0 ? 1 : (double)_same / _pods;

    public void Skip() => _skipped++;

    public void Add(string name, IReadOnlyList<Difference> differences)
    {
        _pods++;
        if (differences.Count == 0)
            _same++;
        foreach (var difference in differences)
        {
            var key = difference.ToString();
            if (!_differences.TryGetValue(key, out var names))
                _differences[key] = names = [];
            names.Add(name);
        }
    }

    public void Print(TextWriter output, bool list)
    {
        output.WriteLine($"launcher pods: {_pods} pods, {_skipped} without a pod at KubeVirt (missing claims)");
        output.WriteLine($"  same but for Troupe's own parts   {Same,7:P1}");
        foreach (var (key, names) in _differences.OrderByDescending(d => d.Value.Count).Take(list ? int.MaxValue : 20))
        {
            output.WriteLine($"  {names.Count,5}  {key}");
            foreach (var name in list ? names : names.Take(1))
                output.WriteLine($"           {name}");
        }
    }
}
