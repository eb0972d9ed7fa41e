using System.Security.Cryptography;
using System.Text;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>
/// A pod whose only purpose is to have a claim mounted on the guest's node. One for each volume, so that plugging in another one
/// disturbs none; it ends with its launcher's pod.
/// </summary>
public static class AttachmentPod
{
    private const string Container = "hotplug-disk";

    /// <summary>The volume, in an annotation: its name may be longer than a label's value.</summary>
    private const string VolumeAnnotation = "volume.troupe.dev/name";

    /// <summary>Fixed, so that a control plane that crashed between creating and remembering finds it again.</summary>
    public static string NameOf(string volume, string launcherPodUid) =>
        $"hp-volume-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{launcherPodUid}/{volume}")))[..10]}";

    /// <param name="launcher">The pod that owns it, on its node.</param>
    /// <param name="diskBytes">Size of the disk image that is made in an empty file system; null where none is.</param>
    public static Pod Render(string name, VirtualMachineInstance vmi, Volume volume, bool isBlock, long? diskBytes, LauncherOnNode launcher, LauncherPodOptions options)
    {
        var path = LauncherPaths.AttachedVolume(volume.Name!);
        IReadOnlyList<VolumeMount> sockets = [new VolumeMount { Name = LauncherPaths.HotplugDisksVolume, MountPath = LauncherPaths.AttachmentSockets }];
        return new Pod
        {
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = vmi.Metadata.Namespace,
                Labels = new Dictionary<string, string> { [Labels.App] = Labels.HotplugApp },
                Annotations = new Dictionary<string, string>
                {
                    [Annotations.OwnerVmiName] = vmi.Metadata.Name!,
                    [Annotations.OwnerVmiUid] = vmi.Metadata.Uid!,
                    [VolumeAnnotation] = volume.Name!,
                },
                OwnerReferences = [new OwnerReference { ApiVersion = "v1", Kind = "Pod", Name = launcher.Pod, Uid = launcher.Uid, Controller = true, BlockOwnerDeletion = true }],
            },
            Spec = new PodSpec
            {
                RestartPolicy = "Always",
                EnableServiceLinks = false,
                AutomountServiceAccountToken = false,
                TerminationGracePeriodSeconds = 0,
                Tolerations = vmi.Spec?.Tolerations,
                Affinity = OnNode(launcher.Node),
                Containers =
                [
                    new Container
                    {
                        Name = Container,
                        Image = options.Image,
                        ImagePullPolicy = "IfNotPresent",
                        Command = ["/usr/bin/virt-launcher", "--hold-volume", path, .. diskBytes is { } bytes ? [$"{bytes}"] : Array.Empty<string>()],
                        Resources = new ContainerResources
                        {
                            Requests = new Dictionary<string, Quantity> { ["cpu"] = new("10m"), ["memory"] = new("2M") },
                            Limits = new Dictionary<string, Quantity> { ["cpu"] = new("100m"), ["memory"] = new("80M") },
                        },
                        VolumeMounts = isBlock ? sockets : [.. sockets, new VolumeMount { Name = volume.Name, MountPath = path }],
                        VolumeDevices = isBlock ? [new VolumeDevice { Name = volume.Name, DevicePath = path }] : null,
                        // The image that it may have to make must belong to whom the guest's QEMU runs as.
                        SecurityContext = new SecurityContext { RunAsUser = 0, AllowPrivilegeEscalation = false, Capabilities = new Capabilities { Drop = ["ALL"] } },
                    },
                ],
                Volumes =
                [
                    new PodVolume { Name = LauncherPaths.HotplugDisksVolume, EmptyDir = new EmptyDirVolume() },
                    new PodVolume { Name = volume.Name, PersistentVolumeClaim = new PersistentVolumeClaimVolume { ClaimName = VolumeSources.ClaimOf(volume) } },
                ],
            },
        };
    }

    /// <summary>Null for a pod that is no such pod.</summary>
    public static (string VmiUid, AttachmentObservation Pod)? Read(Pod pod)
    {
        if (pod.Metadata.Annotations?.GetValueOrDefault(Annotations.OwnerVmiUid) is not { } uid || pod.Metadata.Annotations.GetValueOrDefault(VolumeAnnotation) is not { } volume)
            return null;
        var status = pod.Status?.ContainerStatuses?.FirstOrDefault(s => s.Name == Container);
        var scheduled = pod.Status?.Conditions?.FirstOrDefault(c => c.Type == "PodScheduled");
        return (uid, new AttachmentObservation(
            pod.Metadata.Name!, pod.Metadata.Uid!, volume, pod.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller is true)?.Uid ?? "",
            status?.Ready is true, pod.Metadata.DeletionTimestamp is not null, pod.Status?.Phase is "Succeeded" or "Failed",
            status?.State?.Waiting is { Reason: not ("ContainerCreating" or "PodInitializing") } waiting ? $"{waiting.Reason}: {waiting.Message}"
                : scheduled is { Status: "False" } ? scheduled.Message : null));
    }

    private static Affinity OnNode(string node) => new()
    {
        NodeAffinity = new NodeAffinity
        {
            RequiredDuringSchedulingIgnoredDuringExecution = new NodeSelector
            {
                NodeSelectorTerms = [new NodeSelectorTerm { MatchExpressions = [new NodeSelectorRequirement { Key = "kubernetes.io/hostname", Operator = "In", Values = [node] }] }],
            },
        },
    };
}
