using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The containers that `hooks.kubevirt.io/hookSidecars` and network binding plugins ask for beside the launcher, and the folder in which they meet it.</summary>
/// <param name="Containers">Named <c>hook-sidecar-N</c>.</param>
/// <param name="Mounts">Of the launcher's own container.</param>
internal sealed record HookSidecarContainers(IReadOnlyList<Container> Containers, IReadOnlyList<PodVolume> Volumes, IReadOnlyList<VolumeMount> Mounts)
{
    public const string Annotation = "hooks.kubevirt.io/hookSidecars";
    private const string Sockets = "hook-sidecar-sockets";
    private const string SharedFolder = "/var/run/kubevirt-hooks";
    private const int ScriptMode = 0x1ED; // 0755
    private static readonly IReadOnlyList<string> Shim = ["/usr/bin/virt-launcher", "--hook-shim"];

    /// <summary>Of the annotation's none when the gate is off, it is absent or can't be read, which admission refuses.</summary>
    public static HookSidecarContainers Of(VirtualMachineInstance vmi, LauncherPodOptions options)
    {
        // The launcher's image has the shim that runs scripts for a side-car without an image of its own.
        var launcherImage = options.Image;
        var wanted = options.HasHookSidecars ? Read(vmi.Metadata.Annotations?.GetValueOrDefault(Annotation)) ?? [] : [];
        var plugins = options.Settings.PluginsOf(vmi).Where(p => p.Plugin.SidecarImage is { Length: > 0 }).ToList();
        if (wanted.Count + plugins.Count == 0)
            return new HookSidecarContainers([], [], []);
        List<Container> containers = [];
        List<PodVolume> volumes = [new PodVolume { Name = Sockets, EmptyDir = new EmptyDirVolume() }];
        List<VolumeMount> mounts = [new VolumeMount { Name = Sockets, MountPath = SharedFolder }];
        foreach (var (index, sidecar) in wanted.Index())
        {
            var name = NameOf(index);
            List<VolumeMount> own = [Meeting(name)];
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
                SecurityContext = Harmless,
            });
        }

        containers.AddRange(plugins.Select((p, i) => OfPlugin(p.Name, p.Plugin, NameOf(wanted.Count + i))));

        var resources = Resources(vmi, options.Settings);
        return new HookSidecarContainers([.. containers.Select(c => c with { Resources = resources })], volumes, mounts);

        void Add(PodVolume volume)
        {
            if (volumes.All(v => v.Name != volume.Name))
                volumes.Add(volume);
        }
    }

    /// <summary>Beside a guest with CPUs or a quality of service of its own each container has limits, or the pod would have neither.</summary>
    private static ContainerResources? Resources(VirtualMachineInstance vmi, GuestSettings settings)
    {
        var set = settings.SupportResources.GetValueOrDefault("sidecar");
        var requests = Of(set?.Requests);
        var limits = Of(set?.Limits);
        if (vmi.Spec?.Domain is { } domain && (domain.Cpu?.DedicatedCpuPlacement is true || GuestSize.IsGuaranteed(domain)))
        {
            limits.TryAdd("cpu", new Quantity("200m"));
            limits.TryAdd("memory", new Quantity("64M"));
            requests = limits;
        }

        return requests.Count + limits.Count == 0 ? null : new ContainerResources { Requests = requests, Limits = limits };

        static Dictionary<string, Quantity> Of(IReadOnlyDictionary<string, Quantity>? resources) =>
            (resources ?? new Dictionary<string, Quantity>()).Where(r => r.Key is "cpu" or "memory").ToDictionary();
    }

    private static SecurityContext Harmless => new() { AllowPrivilegeEscalation = false, Capabilities = new Capabilities { Drop = ["ALL"] } };

    private static Container OfPlugin(string plugin, InterfaceBindingPlugin config, string name) => new()
    {
        Name = name,
        Image = config.SidecarImage,
        ImagePullPolicy = "IfNotPresent",
        Env = [new EnvVar { Name = "CONTAINER_NAME", Value = name }, new EnvVar { Name = "NETWORK_BINDING_PLUGIN_NAME", Value = plugin }],
        VolumeMounts = config.DownwardAPI is "device-info" ? [Meeting(name), new VolumeMount { Name = NetworkInfo.Volume, MountPath = LauncherPaths.PodInfo }] : [Meeting(name)],
        SecurityContext = Harmless,
    };

    private static string NameOf(int index) => $"hook-sidecar-{index}";

    private static VolumeMount Meeting(string name) => new() { Name = Sockets, MountPath = SharedFolder, SubPath = name };

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
