using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.Meta;
using Troupe.Tests.Support;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>KubeVirt's own example manifests, applied as its users do: instance types and preferences first.</summary>
public class ExampleManifestTests
{
    /// <summary>What is refused, and by which words; everything else is admitted.</summary>
    private static readonly Dictionary<string, string> Refused = new()
    {
        // Features that are off unless the administrator opens their gate.
        ["vm-cirros-with-sidecar-hook-configmap.yaml"] = "sidecar feature gate is not enabled in kubevirt-config",
        ["vmi-with-sidecar-hook-configmap.yaml"] = "sidecar feature gate is not enabled in kubevirt-config",
        ["vmi-with-sidecar-hook.yaml"] = "sidecar feature gate is not enabled in kubevirt-config",
        ["vmi-host-disk.yaml"] = "HostDisk feature gate is not enabled",
        ["vmi-usb.yaml"] = "Host Devices feature gate is not enabled in kubevirt-config",
        // A migration of a VMI that is not there.
        ["migration-job.yaml"] = "the VMI \"default/vmi-migratable\" does not exist",
        // KubeVirt's examples set a guest memory beside their instance type.
        ["vm-cirros-clarge.yaml"] = Conflict,
        ["vm-cirros-clarge-virtio.yaml"] = Conflict,
        ["vm-cirros-clarge-windows.yaml"] = Conflict,
        ["vm-cirros-cluster-csmall.yaml"] = Conflict,
        ["vm-cirros-csmall.yaml"] = Conflict,
        ["vm-windows-clarge-windows.yaml"] = Conflict,
    };

    private const string Conflict = "VM field(s) spec.template.spec.domain.memory.guest conflicts with selected instance type";

    /// <summary>Not Troupe's kinds: Kubernetes takes them.</summary>
    private static readonly HashSet<string> Foreign = ["PriorityClass", "ResourceClaimTemplate"];

    private static string Folder { get; } = Path.Combine(ReferenceData.Root, "..", "shared", "kubevirt", "examples");

    [Fact]
    public async Task Every_example_is_admitted_or_refused_for_KubeVirts_reason()
    {
        Assert.SkipUnless(Directory.Exists(Folder), "the examples of ../shared/kubevirt are not here");
        var manifests = Directory.EnumerateFiles(Folder, "*.yaml").Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)
            .SelectMany(f => ReferenceData.YamlDocuments($"examples/{f}"), (file, obj) => (File: file, Object: obj)).Where(m => !Foreign.Contains((string)m.Object["kind"]!)).ToList();
        Assert.True(manifests.Count > 40, $"{manifests.Count} manifests");
        var harness = new AdmissionHarness();
        foreach (var (_, obj) in manifests)
            Keep(harness, obj);

        List<string> wrong = [];
        foreach (var (file, obj) in manifests)
        {
            var (verdict, _) = await harness.CreateAsync(obj);
            if (Refused.TryGetValue(file, out var words) ? verdict.Refusal?.Message?.Contains(words, StringComparison.Ordinal) is not true : !verdict.IsAllowed)
                wrong.Add($"{file}: {verdict.Refusal?.Message ?? "admitted"}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static void Keep(AdmissionHarness harness, JsonObject obj)
    {
        switch ((string)obj["kind"]!)
        {
            case nameof(VirtualMachineInstancetype): Add<VirtualMachineInstancetype>(); break;
            case nameof(VirtualMachineClusterInstancetype): Add<VirtualMachineClusterInstancetype>(); break;
            case nameof(VirtualMachinePreference): Add<VirtualMachinePreference>(); break;
            case nameof(VirtualMachineClusterPreference): Add<VirtualMachineClusterPreference>(); break;
        }

        void Add<T>() where T : KubeObject
        {
            var model = (T)obj.Deserialize(typeof(T), ApiJson.Default)!;
            harness.Objects.Add(model with { Metadata = model.Metadata with { Namespace = "default" } });
        }
    }
}
