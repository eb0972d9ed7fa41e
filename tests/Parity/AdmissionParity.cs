using System.Text.Json;
using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Parity;

/// <summary>Admission's answers beside KubeVirt's: mutating, then validating, in a cluster with nothing else in it.</summary>
public static class AdmissionParity
{
    private static readonly Dictionary<string, string> Plurals = new()
    {
        ["VirtualMachineInstance"] = "virtualmachineinstances",
        ["VirtualMachine"] = "virtualmachines",
        ["VirtualMachinePool"] = "virtualmachinepools",
        ["VirtualMachineInstanceReplicaSet"] = "virtualmachineinstancereplicasets",
        ["VirtualMachinePreference"] = "virtualmachinepreferences",
        ["VirtualMachineInstancetype"] = "virtualmachineinstancetypes",
        ["MigrationPolicy"] = "migrationpolicies",
        ["VirtualMachineInstancePreset"] = "virtualmachineinstancepresets",
        ["VirtualMachineClusterInstancetype"] = "virtualmachineclusterinstancetypes",
        ["VirtualMachineClusterPreference"] = "virtualmachineclusterpreferences",
        ["VirtualMachineInstanceMigration"] = "virtualmachineinstancemigrations",
        ["VirtualMachineSnapshot"] = "virtualmachinesnapshots",
        ["VirtualMachineRestore"] = "virtualmachinerestores",
        ["VirtualMachineExport"] = "virtualmachineexports",
        ["VirtualMachineClone"] = "virtualmachineclones",
    };

    private static readonly string[] RandomPaths =
    [
        "firmware.uuid", "firmware.serial", "phaseTransitionTimestamps", "creationTimestamp",
    ];

    private const string SystemAccounts = "system:serviceaccount:kubevirt:kubevirt-";

    /// <summary>Without Troupe's own default for the pod network.</summary>
    public static ClusterConfig KubeVirtDefaults { get; } = ClusterConfig.Default with { DefaultNetworkInterface = "bridge" };

    public static async Task<AdmissionScore> RunAsync(string folder, TextWriter output, bool list)
    {
        var webhooks = new WebhookTable(new StoredInstancetypes());
        var score = new AdmissionScore();
        foreach (var line in BehaviourData.Read(folder, "admit"))
        {
            var expected = line.GetProperty("result");
            var (verdict, stored) = await AnswerAsync(webhooks, line.GetProperty("object"), Member(line, "old"), Member(line, "config"), Member(line, "objects"), Member(line, "user")?.GetString());
            score.Add(Case(line), expected, verdict);
            if (verdict.IsAllowed && stored is { } mutated && expected.TryGetProperty("object", out var theirs))
                score.AddMutation(Case(line), [.. Differences.Between(theirs, mutated, path => RandomPaths.Any(r => path.EndsWith(r, StringComparison.Ordinal)))]);
        }

        score.Print(output, list);
        return score;
    }

    /// <summary>The verdict, and the object as it would be stored.</summary>
    /// <param name="old">What an update replaces; null at creation.</param>
    /// <param name="objects">What else is in the cluster; null: nothing.</param>
    /// <param name="user">Who asks, such as `system:serviceaccount:kubevirt:kubevirt-controller`; null: a user.</param>
    /// <param name="configuration">`spec.configuration` of the KubeVirt object; null without one.</param>
    public static async Task<(Verdict Verdict, JsonElement? Stored)> AnswerAsync(WebhookTable webhooks, JsonElement obj, JsonElement? old = null, JsonElement? configuration = null, JsonElement? objects = null, string? user = null)
    {
        var operation = old is null ? AdmissionRequest.Create : AdmissionRequest.Update;
        var config = Config(configuration);
        var resource = Plurals[obj.GetProperty("kind").GetString()!];
        var group = obj.GetProperty("apiVersion").GetString()!.Split('/')[0];
        foreach (var webhook in webhooks.All.Where(w => w.Group == group && w.Resources.Contains(resource) && w.Operations.Contains(operation)))
        {
            var request = new AdmissionRequest { Operation = operation, Object = obj, OldObject = old ?? default, Namespace = "default", UserInfo = new UserInfo { Username = user ?? "somebody" } };
            var answer = await webhook.Admit(new AdmissionCall(request, config, new CaseCluster(objects), BySystem: user?.StartsWith(SystemAccounts, StringComparison.Ordinal) is true, DateTimeOffset.UnixEpoch), CancellationToken.None);
            if (!answer.Verdict.IsAllowed)
                return (answer.Verdict, null);
            if (answer.Mutated is { } mutated)
                obj = JsonSerializer.SerializeToElement(mutated, mutated.GetType(), ApiJson.Default);
        }

        return (Verdict.Allowed, obj);
    }

    private static ClusterConfig Config(JsonElement? configuration)
    {
        if (configuration?.Deserialize(typeof(KubeVirtConfiguration), ApiJson.Default) is not KubeVirtConfiguration read)
            return KubeVirtDefaults;
        var config = ClusterConfigReader.Read(new KubeVirt { Spec = new KubeVirtSpec { Configuration = read } });
        return read.Network?.DefaultNetworkInterface is { Length: > 0 } ? config : config with { DefaultNetworkInterface = KubeVirtDefaults.DefaultNetworkInterface };
    }

    private static JsonElement? Member(JsonElement line, string name) => line.TryGetProperty(name, out var member) ? member : null;

    private static string Case(JsonElement line) => $"{line.GetProperty("file").GetString()} {line.GetProperty("mutation").GetString()}";
}
