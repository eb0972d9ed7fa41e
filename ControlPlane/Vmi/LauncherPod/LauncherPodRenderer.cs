using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>The pod that gives a guest its node, its cgroups, its namespaces and its volumes.</summary>
public static class LauncherPodRenderer
{
    public const string ComputeContainer = "compute";

    /// <summary>Added to the guest's grace period, so that kubelet never kills a launcher which is still shutting its guest down.</summary>
    private const long GraceMargin = 15;
    private const int MaxLabelValue = 63;
    private const string MeshInjection = "sidecar.istio.io/inject";

    /// <summary>Annotations that are about the VMI as an object; all others are its pod's too.</summary>
    private static readonly string[] NotOfPods = ["kubectl.kubernetes.io", "kubevirt.io/storage-observed-api-version", "kubevirt.io/latest-observed-api-version"];
    private const int QemuTimeoutJitterSeconds = 120;

    /// <summary>`virt-launcher-NAME-xxxxx`, cut so that the suffix still fits a DNS label.</summary>
    public static string PodName(VirtualMachineInstance vmi, string suffix)
    {
        var prefix = $"virt-launcher-{vmi.Metadata.Name}";
        var room = 253 - suffix.Length - 1;
        return $"{(prefix.Length > room ? prefix[..room].TrimEnd('-', '.') : prefix)}-{suffix}";
    }

    /// <param name="vmi">With its defaults applied.</param>
    /// <param name="blockClaims">Names of the VMI's claims whose volume mode is Block.</param>
    /// <param name="stateClaim">For TPM and UEFI variables; null for the one that a guest gets first.</param>
    public static Pod Render(VirtualMachineInstance vmi, string name, LauncherPodOptions options, IReadOnlySet<string>? blockClaims = null, string? stateClaim = null)
    {
        var spec = vmi.Spec!;
        var volumes = LauncherVolumes.Of(vmi, blockClaims ?? new HashSet<string>(), options.Settings, stateClaim);
        var mounted = spec.Volumes?.FirstOrDefault(v => v.ServiceAccount is not null)?.ServiceAccount?.ServiceAccountName;
        var serviceAccount = spec.ServiceAccountName is { Length: > 0 } named ? named : mounted;
        var hooks = HookSidecarContainers.Of(vmi, options);
        var grace = spec.TerminationGracePeriodSeconds ?? VmiLifecycle.DefaultGracePeriodSeconds;
        return new Pod
        {
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = vmi.Metadata.Namespace,
                Labels = PodLabels(vmi),
                Annotations = PodAnnotations(vmi, options),
                OwnerReferences =
                [
                    new OwnerReference
                    {
                        ApiVersion = "kubevirt.io/v1", Kind = "VirtualMachineInstance", Name = vmi.Metadata.Name, Uid = vmi.Metadata.Uid,
                        Controller = true, BlockOwnerDeletion = true,
                    },
                ],
            },
            Spec = new PodSpec
            {
                RestartPolicy = "Never",
                EnableServiceLinks = false,
                // A mesh's proxy has to say who it is.
                AutomountServiceAccountToken = mounted is { Length: > 0 } || string.Equals(vmi.Metadata.Annotations?.GetValueOrDefault(MeshInjection), "true", StringComparison.OrdinalIgnoreCase),
                ServiceAccountName = serviceAccount is { Length: > 0 } ? serviceAccount : null,
                TerminationGracePeriodSeconds = grace + GraceMargin + GraceMargin,
                Hostname = Hostname(vmi),
                Subdomain = spec.Subdomain,
                DnsPolicy = spec.DnsPolicy,
                DnsConfig = spec.DnsConfig,
                SchedulerName = spec.SchedulerName,
                PriorityClassName = spec.PriorityClassName,
                Tolerations = spec.Tolerations,
                TopologySpreadConstraints = spec.TopologySpreadConstraints,
                RuntimeClassName = options.Settings.RuntimeClass,
                SecurityContext = options.Settings.Seccomp is { } seccomp ? new PodSecurityContext { SeccompProfile = seccomp } : null,
                NodeSelector = LauncherPlacement.NodeSelector(vmi, options.Settings),
                Affinity = LauncherPlacement.Affinity(spec),
                ResourceClaims = spec.ResourceClaims?.Select(c => new PodResourceClaim
                {
                    Name = c.Name,
                    ResourceClaimName = c.ResourceClaimName,
                    ResourceClaimTemplateName = c.ResourceClaimTemplateName,
                }).ToList(),
                ReadinessGates = [new PodReadinessGate { ConditionType = Conditions.VirtualMachineUnpaused }],
                ImagePullSecrets = volumes.PullSecrets.Count == 0 ? null : [.. volumes.PullSecrets.Select(s => new LocalObjectReference { Name = s })],
                Containers = [Compute(vmi, volumes, hooks, options, grace + GraceMargin), .. hooks.Containers],
                Volumes = [.. volumes.Volumes, .. hooks.Volumes],
            },
        };
    }

    private static Container Compute(VirtualMachineInstance vmi, LauncherVolumes volumes, HookSidecarContainers hooks, LauncherPodOptions options, long grace)
    {
        List<string> command =
        [
            "/usr/bin/tini", "--", "/usr/bin/virt-launcher",
            "--name", vmi.Metadata.Name!, "--uid", vmi.Metadata.Uid!, "--namespace", vmi.Metadata.Namespace ?? "default", "--grace-period-seconds", $"{grace}",
            "--qemu-timeout", $"{options.QemuTimeoutSeconds + Jitter(vmi.Metadata.Uid!)}s",
        ];
        if (hooks.Containers.Count > 0)
            command.AddRange(["--hook-sidecars", $"{hooks.Containers.Count}"]);
        if (options.UseEmulation)
            command.Add("--allow-emulation");
        if (!options.Settings.ReportsFreePages)
            command.Add("--no-free-page-reporting");
        if (!options.Settings.LogsSerialConsole)
            command.Add("--no-serial-console-log");
        if (options.Settings.BalloonPeriod is { } period)
            command.AddRange(["--memory-stats-period", $"{period}"]);
        if (options.Settings.Smbios is { } smbios)
            command.AddRange(["--smbios", JsonSerializer.Serialize(smbios, ApiJson.Default.SMBiosConfiguration)]);
        return new Container
        {
            Name = ComputeContainer,
            Image = options.Image,
            ImagePullPolicy = options.Settings.ImagePullPolicy,
            Command = command,
            Env = [new EnvVar { Name = "POD_NAME", ValueFrom = new EnvVarSource { FieldRef = new ObjectFieldSelector { FieldPath = "metadata.name" } } }],
            Resources = LauncherResources.Of(vmi, options),
            Ports = LauncherNetworks.Ports(vmi),
            ReadinessProbe = LauncherProbes.Of(vmi.Spec!.ReadinessProbe),
            LivenessProbe = LauncherProbes.Of(vmi.Spec.LivenessProbe),
            VolumeMounts = [.. volumes.Mounts, .. hooks.Mounts],
            VolumeDevices = volumes.Devices.Count == 0 ? null : volumes.Devices,
            TerminationMessagePolicy = "FallbackToLogsOnError",
            SecurityContext = new SecurityContext
            {
                // libvirt's system mode wants root inside of the pod; what it can do there is cut down to this.
                RunAsUser = 0,
                AllowPrivilegeEscalation = false,
                Capabilities = new Capabilities { Drop = ["ALL"], Add = LauncherCapabilities },
            },
        };
    }

    /// <summary>The same for a pod that is rendered again.</summary>
    private static int Jitter(string uid) => SHA256.HashData(Encoding.UTF8.GetBytes(uid))[0] % QemuTimeoutJitterSeconds;

    /// <summary>
    /// dnsmasq binds port 67 and talks raw Ethernet to a guest without an address; libvirt changes owners of the files it makes, signals
    /// QEMU, sets its nice value and opens the prepared tap device.
    /// </summary>
    private static readonly string[] LauncherCapabilities =
        ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "SETGID", "SETPCAP", "SETUID", "SYS_NICE"];

    private static Dictionary<string, string> PodLabels(VirtualMachineInstance vmi)
    {
        var labels = new Dictionary<string, string>(vmi.Metadata.Labels ?? new Dictionary<string, string>())
        {
            [Labels.App] = Labels.LauncherApp,
            [Labels.CreatedBy] = vmi.Metadata.Uid!,
            [Labels.VmName] = Hostname(vmi),
            [Labels.VmiId] = LabelValue(vmi.Metadata.Name!),
        };
        if (vmi.Metadata.Annotations?.TryGetValue(MeshInjection, out var injected) is true)
            labels[MeshInjection] = injected;
        return labels;
    }

    private static Dictionary<string, string> PodAnnotations(VirtualMachineInstance vmi, LauncherPodOptions options)
    {
        var annotations = (vmi.Metadata.Annotations ?? new Dictionary<string, string>()).Where(a => !NotOfPods.Any(p => a.Key.StartsWith(p, StringComparison.Ordinal))).ToDictionary();
        annotations[Annotations.Domain] = vmi.Metadata.Name!;
        annotations[Annotations.MemoryOverheadBytes] = $"{MemoryOverhead.Bytes(vmi, options.Settings)}";
        annotations[Annotations.MigrationTransportUnix] = "true";
        annotations[Annotations.DefaultContainer] = ComputeContainer;
        annotations[Annotations.RequestEvictOnly] = "";
        foreach (var (key, value) in LauncherNetworks.Annotations(vmi, options))
            annotations[key] = value;
        return annotations;
    }

    /// <summary>A host name is a DNS label: the VMI's name up to its first dot.</summary>
    private static string Hostname(VirtualMachineInstance vmi)
    {
        var name = vmi.Spec!.Hostname is { Length: > 0 } set ? set : vmi.Metadata.Name!.Split('.')[0];
        return name.Length > MaxLabelValue ? name[..MaxLabelValue].TrimEnd('-') : name;
    }

#pragma warning disable CA5350 // KubeVirt's label is made with SHA-1; nothing is secured by it.
    /// <summary>A name longer than a label value may be is cut and made unique by a hash.</summary>
    private static string LabelValue(string name) => name.Length <= MaxLabelValue
        ? name
        : $"{name[..(MaxLabelValue - 9)]}-{Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
#pragma warning restore CA5350
}
