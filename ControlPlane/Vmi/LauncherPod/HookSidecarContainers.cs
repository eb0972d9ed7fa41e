using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The containers that `hooks.kubevirt.io/hookSidecars` asks for beside the launcher, and the folder in which they meet it.</summary>
/// <param name="Containers">Named <c>hook-sidecar-N</c>.</param>
/// <param name="Mounts">Of the launcher's own container.</param>
internal sealed record HookSidecarContainers(IReadOnlyList<Container> Containers, IReadOnlyList<PodVolume> Volumes, IReadOnlyList<VolumeMount> Mounts)
{
    public const string Annotation = "hooks.kubevirt.io/hookSidecars";
    private const string Sockets = "hook-sidecar-sockets";
    private const string SharedFolder = "/var/run/kubevirt-hooks";
    private const int ScriptMode = 0x1ED; // 0755
    private static readonly IReadOnlyList<string> Shim = ["/usr/bin/virt-launcher", "--hook-shim"];

    /// <summary>None when the annotation is absent or can't be read, which admission refuses.</summary>
    /// <param name="launcherImage">Has the shim that runs scripts for a side-car without an image of its own.</param>
    public static HookSidecarContainers Of(VirtualMachineInstance vmi, string launcherImage)
    {
        if (Read(vmi.Metadata.Annotations?.GetValueOrDefault(Annotation)) is not { Count: > 0 } wanted)
            return new HookSidecarContainers([], [], []);
        List<Container> containers = [];
        List<PodVolume> volumes = [new PodVolume { Name = Sockets, EmptyDir = new EmptyDirVolume() }];
        List<VolumeMount> mounts = [new VolumeMount { Name = Sockets, MountPath = SharedFolder }];
        foreach (var (index, sidecar) in wanted.Index())
        {
            var name = $"hook-sidecar-{index}";
            List<VolumeMount> own = [new VolumeMount { Name = Sockets, MountPath = SharedFolder, SubPath = name }];
            if (sidecar["configMap"] is JsonObject map && Text(map, "name") is { } mapName)
            {
                own.Add(new VolumeMount { Name = mapName, MountPath = Text(map, "hookPath"), SubPath = Text(map, "key") });
                Add(new PodVolume { Name = mapName, ConfigMap = new ConfigMapVolume { Name = mapName, DefaultMode = ScriptMode } });
            }

            if (sidecar["pvc"] is JsonObject claim && Text(claim, "name") is { } claimName)
            {
                own.Add(new VolumeMount { Name = claimName, MountPath = Text(claim, "volumePath") });
                Add(new PodVolume { Name = claimName, PersistentVolumeClaim = new PersistentVolumeClaimVolume { ClaimName = claimName } });
                if (Text(claim, "sharedComputePath") is { } shared)
                    mounts.Add(new VolumeMount { Name = claimName, MountPath = shared });
            }

            containers.Add(new Container
            {
                Name = name,
                Image = Text(sidecar, "image") ?? launcherImage,
                ImagePullPolicy = Text(sidecar, "imagePullPolicy"),
                Command = List(sidecar, "command") ?? (Text(sidecar, "image") is null ? Shim : null),
                Args = List(sidecar, "args"),
                Env = [new EnvVar { Name = "CONTAINER_NAME", Value = name }],
                VolumeMounts = own,
                SecurityContext = new SecurityContext { AllowPrivilegeEscalation = false, Capabilities = new Capabilities { Drop = ["ALL"] } },
            });
        }

        return new HookSidecarContainers(containers, volumes, mounts);

        void Add(PodVolume volume)
        {
            if (volumes.All(v => v.Name != volume.Name))
                volumes.Add(volume);
        }
    }

    private static List<JsonObject>? Read(string? annotation)
    {
        try
        {
            return annotation is { Length: > 0 } && JsonNode.Parse(annotation) is JsonArray list ? [.. list.OfType<JsonObject>()] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonObject of, string name) => of[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private static IReadOnlyList<string>? List(JsonObject of, string name) => of[name] is JsonArray { Count: > 0 } list ? [.. list.Select(e => (string?)e ?? "")] : null;
}
