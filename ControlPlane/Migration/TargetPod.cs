using System.Text.Json.Nodes;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.ControlPlane.Migration;

/// <summary>What makes a launcher pod a migration's target: Kubernetes places it on any node but the source, and everybody sees what it is for.</summary>
internal static class TargetPod
{
    public const string JobLabel = "kubevirt.io/migrationJobUID";
    public const string JobAnnotation = "kubevirt.io/migrationJobName";
    public const string ReadyAnnotation = "kubevirt.io/migration-target-ready-timestamp";
    public const string KeptAnnotation = "network.troupe.dev/kept-addresses";
    private const string HostnameTopology = "kubernetes.io/hostname";

    /// <summary>In post-copy QEMU waits for memory by userfaultfd, which nodes give to those with this capability alone (sysctl vm.unprivileged_userfaultfd).</summary>
    private const string WaitForMemory = "SYS_PTRACE";

    /// <param name="wish">What the migration asks for, as far as it is known.</param>
    public static Pod Of(Pod launcher, VirtualMachineInstance vmi, OngoingMigration migration, MigrateVmi? wish) => launcher with
    {
        Metadata = launcher.Metadata with
        {
            Labels = new Dictionary<string, string>((launcher.Metadata.Labels ?? new Dictionary<string, string>()).Where(l => l.Key != Labels.OutdatedLauncherImage)) { [JobLabel] = migration.Id },
            Annotations = new Dictionary<string, string>(launcher.Metadata.Annotations ?? new Dictionary<string, string>()) { [JobAnnotation] = migration.Name },
        },
        Spec = launcher.Spec! with
        {
            NodeSelector = Merge(launcher.Spec.NodeSelector, wish?.NodeSelector ?? []),
            Affinity = AwayFrom(launcher.Spec.Affinity, vmi),
            Containers = wish is { Options.AllowPostCopy: true } ? [.. launcher.Spec.Containers!.Select(MayWaitForMemory)] : launcher.Spec.Containers,
        },
    };

    /// <summary>
    /// A strategic merge patch: the mark that networks with IP fail-over for KubeVirt wait for, the addresses that are to follow the guest, and the
    /// readiness gate. A pod's status endpoint takes its annotations as well, so one write does for all.
    /// </summary>
    public static JsonObject Ready(string podUid, string keptAddresses, bool unpaused, DateTimeOffset now)
    {
        var patch = UnpausedGate.Patch(unpaused, now);
        patch["metadata"] = new JsonObject
        {
            ["uid"] = podUid,
            ["annotations"] = new JsonObject
            {
                [ReadyAnnotation] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
                [KeptAnnotation] = keptAddresses,
            },
        };
        return patch;
    }

    private static Container MayWaitForMemory(Container container) =>
        container is { Name: LauncherPodRenderer.ComputeContainer, SecurityContext: { Capabilities: { } capabilities } security }
            ? container with { SecurityContext = security with { Capabilities = capabilities with { Add = [.. capabilities.Add ?? [], WaitForMemory] } } }
            : container;

    private static Affinity AwayFrom(Affinity? affinity, VirtualMachineInstance vmi)
    {
        var term = new PodAffinityTerm
        {
            TopologyKey = HostnameTopology,
            LabelSelector = new LabelSelector { MatchLabels = new Dictionary<string, string> { [Labels.CreatedBy] = vmi.Metadata.Uid! } },
        };
        var anti = affinity?.PodAntiAffinity ?? new PodAntiAffinity();
        return (affinity ?? new Affinity()) with
        {
            PodAntiAffinity = anti with { RequiredDuringSchedulingIgnoredDuringExecution = [.. anti.RequiredDuringSchedulingIgnoredDuringExecution ?? [], term] },
        };
    }

    /// <summary>The migration's labels may narrow the choice; where the VMI has asked for another value, the VMI's counts.</summary>
    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string>? own, IReadOnlyList<string> added)
    {
        var merged = new Dictionary<string, string>(own ?? new Dictionary<string, string>());
        foreach (var label in added)
        {
            var at = label.IndexOf('=', StringComparison.Ordinal);
            merged.TryAdd(label[..at], label[(at + 1)..]);
        }

        return merged;
    }
}
