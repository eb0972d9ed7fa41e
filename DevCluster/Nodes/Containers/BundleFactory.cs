using System.Globalization;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Images;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;
using Troupe.DevCluster.Nodes.Volumes;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>Turns a pod's container into an OCI bundle directory.</summary>
internal sealed class BundleFactory(string cgroupRoot, ContainerEnvironment environment, Uri? apiServer)
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public sealed record Inputs(
        Container Container,
        PodFacts Facts,
        PodAddress Address,
        Image Image,
        IReadOnlyDictionary<string, MountedVolume> Volumes,
        IReadOnlyDictionary<string, Image> ImageVolumes,
        string PodDirectory,
        string Bundle)
    {
        /// <summary>That of another container, whose processes this one is to see; null for one of its own.</summary>
        public string? PidNamespace { get; init; }
    }

    /// <exception cref="ContainerConfigException">The pod asks for something that is not there (yet) or cannot be.</exception>
    public async Task WriteAsync(Inputs inputs, CancellationToken ct)
    {
        var (container, pod, image) = (inputs.Container, inputs.Facts.Pod, inputs.Image);
        var own = await environment.BuildAsync(container, inputs.Facts, ApiServerVariables(pod), ct);
        var hostname = PodFiles.Hostname(pod);
        var context = container.SecurityContext;
        var limits = container.Resources.Limits;

        Directory.CreateDirectory($"{inputs.Bundle}/rootfs");
        var spec = new ContainerSpec
        {
            Arguments = Arguments(container, image, own),
            Environment = Merge(image, own, hostname, container.Tty),
            WorkingDirectory = container.WorkingDir is { Length: > 0 } given ? given : image.Config.WorkingDir is { Length: > 0 } fromImage ? fromImage : "/",
            User = UserIdentity.Of(pod.Spec.SecurityContext, container, image),
            Capabilities = Capabilities.Of(context),
            Hostname = hostname,
            CgroupsPath = CgroupOf(cgroupRoot, pod, container),
            NetnsPath = inputs.Address.NetnsPath,
            HostPid = pod.Spec.HostPID,
            PidNamespacePath = inputs.PidNamespace,
            Privileged = context.Privileged,
            NoNewPrivileges = context is { AllowPrivilegeEscalation: false, Privileged: false },
            Terminal = container.Tty,
            ReadOnlyRoot = context.ReadOnlyRootFilesystem,
            Overlays = [.. Overlays(image, inputs.Bundle)],
            Mounts = [.. Mounts(inputs, own)],
            Devices = [.. context.Privileged ? HostDevices.All() : HostDevices.For(container.Resources), .. BlockVolumes(inputs)],
            Sysctls = Sysctls(pod, inputs.Address),
            CpuRequestMilli = container.Resources.Requests.TryGetValue("cpu", out var request) ? request.Milli : null,
            CpuLimitMilli = limits.TryGetValue("cpu", out var limit) ? limit.Milli : null,
            MemoryLimit = limits.TryGetValue("memory", out var memory) ? memory.Units : null,
        };
        await File.WriteAllTextAsync($"{inputs.Bundle}/config.json", spec.ToOci().ToJsonString(), ct);
    }

    public static string CgroupOf(string cgroupRoot, Pod pod, Container container) => $"{cgroupRoot}/{pod.Uid}/{container.Name}";

    /// <summary>A pod with a network of its own reaches the API by its service's address, one on the host's network by the real one.</summary>
    private Dictionary<string, string> ApiServerVariables(Pod pod)
    {
        if (apiServer is null) return [];
        var port = pod.Spec.HostNetwork ? apiServer.Port.ToString(CultureInfo.InvariantCulture) : "443";
        return new()
        {
            ["KUBERNETES_SERVICE_HOST"] = pod.Spec.HostNetwork ? apiServer.Host : ServiceProxy.ApiAddress,
            ["KUBERNETES_SERVICE_PORT"] = port,
            ["KUBERNETES_SERVICE_PORT_HTTPS"] = port,
        };
    }

    private static List<string> Arguments(Container container, Image image, IReadOnlyDictionary<string, string> variables)
    {
        var command = container.Command.Select(text => Variables.Expand(text, variables)).ToList();
        var args = container.Args.Select(text => Variables.Expand(text, variables)).ToList();
        // Kubernetes' rule: a command replaces the image's entrypoint and its cmd; args alone replace only the cmd.
        List<string> all = command.Count > 0 ? [.. command, .. args] : [.. image.Config.Entrypoint, .. args.Count > 0 ? args : image.Config.Cmd];
        return all.Count > 0 ? all : throw new ContainerConfigException("no command specified");
    }

    private static Dictionary<string, string> Merge(Image image, IReadOnlyDictionary<string, string> own, string hostname, bool terminal)
    {
        var merged = new Dictionary<string, string> { ["PATH"] = DefaultPath, ["HOSTNAME"] = hostname };
        if (terminal) merged["TERM"] = "xterm";
        foreach (var entry in image.Config.Env)
        {
            var split = entry.IndexOf('=');
            if (split > 0) merged[entry[..split]] = entry[(split + 1)..];
        }
        foreach (var (name, value) in own) merged[name] = value;
        return merged;
    }

    private static IEnumerable<OverlayMount> Overlays(Image image, string bundle)
    {
        yield return Overlay("/", [image.RootDirectory], $"{bundle}/layer");
        var number = 0;
        foreach (var path in image.HostPaths)
        {
            if (!Directory.Exists(path)) throw new ContainerConfigException($"{path} of label {Image.HostPathsLabel} is not a directory of this machine");
            var inImage = image.RootDirectory + path;
            yield return Overlay(path, Directory.Exists(inImage) ? [inImage, path] : [path], $"{bundle}/layer-{number++}");
        }
    }

    private static OverlayMount Overlay(string destination, string[] lower, string directory)
    {
        // The merged directory gets the upper's mode and owner, which must be those of what it covers.
        var upper = Directory.CreateDirectory($"{directory}/upper").FullName;
        if (Native.Stat(lower[0]) is { } status)
        {
            File.SetUnixFileMode(upper, (UnixFileMode)(status.Mode & 0xFFF));
            Native.Chown(upper, status.Uid, status.Gid);
        }
        return new OverlayMount(destination, lower, upper, Directory.CreateDirectory($"{directory}/work").FullName);
    }

    private static IEnumerable<ContainerMount> Mounts(Inputs inputs, IReadOnlyDictionary<string, string> variables)
    {
        var container = inputs.Container;
        var taken = container.VolumeMounts.Select(mount => mount.MountPath).ToHashSet();
        var log = $"{inputs.Bundle}/termination-log";
        File.WriteAllText(log, "");
        File.SetUnixFileMode(log, (UnixFileMode)0b110_110_110);
        ContainerMount[] files =
        [
            new($"{inputs.PodDirectory}/etc-hosts", "/etc/hosts", false),
            new($"{inputs.PodDirectory}/resolv.conf", "/etc/resolv.conf", false),
            new($"{inputs.PodDirectory}/hostname", "/etc/hostname", false),
            new(log, container.TerminationMessagePath, false),
        ];
        return files.Where(file => !taken.Contains(file.Destination)).Concat(container.VolumeMounts.Select(mount => Mount(inputs, mount, variables)));
    }

    private static IEnumerable<HostDevice> BlockVolumes(Inputs inputs) => inputs.Container.VolumeDevices.Select(device =>
        inputs.Volumes.TryGetValue(device.Name, out var volume) && volume.IsDevice
            ? HostDevices.BlockVolume(volume.HostPath, device.DevicePath)
            : throw new ContainerConfigException($"volume {device.Name} has volumeMode Filesystem, but is specified in volumeDevices"));

    private static ContainerMount Mount(Inputs inputs, VolumeMount mount, IReadOnlyDictionary<string, string> variables)
    {
        var (source, readOnly) = inputs.ImageVolumes.TryGetValue(mount.Name, out var image) ? (image.RootDirectory, true)
            : inputs.Volumes.TryGetValue(mount.Name, out var volume) && !volume.IsDevice ? (volume.HostPath, volume.ReadOnly)
            : volume is not null ? throw new ContainerConfigException($"volume {mount.Name} has volumeMode Block, but is specified in volumeMounts")
            : throw new ContainerConfigException($"volume mount \"{mount.Name}\" of container \"{inputs.Container.Name}\" has no volume");
        var subPath = mount.SubPathExpr.Length > 0 ? Variables.Expand(mount.SubPathExpr, variables) : mount.SubPath;
        if (subPath.Length > 0) source = SubPath(source, subPath, mount.Name, mayCreate: !readOnly);
        var destination = mount.MountPath.StartsWith('/') ? mount.MountPath : "/" + mount.MountPath;
        return new ContainerMount(source, destination, readOnly || mount.ReadOnly, mount.MountPropagation);
    }

    private static string SubPath(string volume, string subPath, string name, bool mayCreate)
    {
        if (subPath.Split('/').Contains("..") || subPath.StartsWith('/'))
            throw new ContainerConfigException($"failed to prepare subPath for volumeMount \"{name}\": must be a relative path without '..'");
        var path = $"{volume}/{subPath}";
        if (mayCreate && !Path.Exists(path)) Directory.CreateDirectory(path);
        // A link inside a volume (which containers can write) must not lead the mount out of it.
        var real = Native.RealPath(path) ?? throw new ContainerConfigException($"failed to prepare subPath for volumeMount \"{name}\": {subPath} does not exist");
        var root = Native.RealPath(volume)!;
        return real == root || real.StartsWith(root + "/", StringComparison.Ordinal)
            ? real
            : throw new ContainerConfigException($"failed to prepare subPath for volumeMount \"{name}\": {subPath} leaves the volume");
    }

    private static Dictionary<string, string> Sysctls(Pod pod, PodAddress address)
    {
        var sysctls = new Dictionary<string, string>();
        // What containerd sets: pods may bind low ports and ping without being root.
        if (address.Netns is not null) sysctls["net.ipv4.ip_unprivileged_port_start"] = "0";
        foreach (var sysctl in pod.Spec.SecurityContext.Sysctls) sysctls[sysctl.Name] = sysctl.Value;
        return sysctls;
    }
}
