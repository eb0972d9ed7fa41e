using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class ObjectGraphTests
{
    [Fact]
    public void A_machine_is_made_of_its_instance_with_its_pod_its_sizes_its_secrets_its_storage_and_its_networks()
    {
        Assert.Equal(
            [
                "kubevirt.io VirtualMachine n/web compute", "  kubevirt.io VirtualMachineInstance n/web compute", "     Pod n/virt-launcher-web compute",
                "  instancetype.kubevirt.io VirtualMachineClusterInstancetype /big config?", "  apps ControllerRevision n/web-big-1 config",
                "  instancetype.kubevirt.io VirtualMachinePreference n/linux config?", "  apps ControllerRevision n/kept config",
                "   Secret n/keys config", "  cdi.kubevirt.io DataVolume n/root storage", "     PersistentVolumeClaim n/root storage", "   PersistentVolumeClaim n/data storage",
                "   Secret n/user config", "   PersistentVolumeClaim n/persistent-state-for-web storage",
                "  k8s.cni.cncf.io NetworkAttachmentDefinition other/blue network?",
            ],
            Lines(ObjectGraphs.Of(Machine(created: true), "virt-launcher-web", "persistent-state-for-web")));
        Assert.DoesNotContain(Lines(ObjectGraphs.Of(Machine(created: false), null, null)), l => l.Contains("VirtualMachineInstance ", StringComparison.Ordinal) || l.Contains("Pod", StringComparison.Ordinal));
    }

    [Fact]
    public void An_instance_has_its_pod_and_what_its_spec_names()
    {
        var instance = new VirtualMachineInstance { Metadata = new ObjectMeta { Name = "web", Namespace = "n" }, Spec = Spec() };
        var lines = Lines(ObjectGraphs.Of(instance, "pod", null));
        Assert.Equal(("kubevirt.io VirtualMachineInstance n/web compute", "   Pod n/pod compute", "   Secret n/keys config"), (lines[0], lines[1], lines[2]));
    }

    [Fact]
    public void Optional_objects_can_be_left_out_and_labels_choose_among_the_rest()
    {
        var graph = ObjectGraphs.Of(Machine(created: true), "pod", null);
        Assert.DoesNotContain(Lines(ObjectGraphs.Select(graph, new ObjectGraphOptions { IncludeOptionalNodes = false })), l => l.EndsWith('?'));
        Assert.Equal(Lines(graph), Lines(ObjectGraphs.Select(graph, new ObjectGraphOptions())));
        var storage = ObjectGraphs.Select(graph, new ObjectGraphOptions { LabelSelector = new LabelSelector { MatchLabels = new Dictionary<string, string> { ["kubevirt.io/dependency-type"] = "storage" } } });
        Assert.Equal(["kubevirt.io VirtualMachine n/web compute", "  cdi.kubevirt.io DataVolume n/root storage", "     PersistentVolumeClaim n/root storage", "   PersistentVolumeClaim n/data storage"], Lines(storage));
    }

    private static List<string> Lines(ObjectGraphNode node, string indent = "") =>
    [
        $"{indent}{node.ObjectReference!.ApiGroup} {node.ObjectReference.Kind} {node.ObjectReference.Namespace}/{node.ObjectReference.Name} {node.Labels!.Values.Single()}{(node.Optional is true ? "?" : "")}",
        .. (node.Children ?? []).SelectMany(c => Lines(c, indent + "  ")),
    ];

    private static VirtualMachine Machine(bool created) => new()
    {
        Metadata = new ObjectMeta { Name = "web", Namespace = "n" },
        Spec = new VirtualMachineSpec
        {
            Instancetype = new InstancetypeMatcher { Name = "big" },
            Preference = new PreferenceMatcher { Name = "linux", Kind = "VirtualMachinePreference", RevisionName = "kept" },
            Template = new VirtualMachineInstanceTemplateSpec { Spec = Spec() },
        },
        Status = new VirtualMachineStatus { Created = created ? true : null, InstancetypeRef = new InstancetypeStatusRef { ControllerRevisionRef = new ControllerRevisionRef { Name = "web-big-1" } } },
    };

    private static VirtualMachineInstanceSpec Spec() => new()
    {
        AccessCredentials = [new AccessCredential { SshPublicKey = new SSHPublicKeyAccessCredential { Source = new SSHPublicKeyAccessCredentialSource { Secret = new AccessCredentialSecretSource { SecretName = "keys" } } } }],
        Networks = [new Network { Name = "default", Pod = new PodNetwork() }, new Network { Name = "blue", Multus = new MultusNetwork { NetworkName = "other/blue" } }],
        Volumes =
        [
            new Volume { Name = "root", DataVolume = new DataVolumeSource { Name = "root" } },
            new Volume { Name = "data", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "data" } },
            new Volume { Name = "init", CloudInitNoCloud = new CloudInitNoCloudSource { SecretRef = new LocalObjectReference { Name = "user" } } },
            new Volume { Name = "scratch", EmptyDisk = new EmptyDiskSource() },
        ],
    };
}
