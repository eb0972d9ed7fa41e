using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Containers;

public sealed record HostDevice(string Path, char Type, uint Major, uint Minor, int Mode, uint Uid, uint Gid);

/// <summary>The device plugins of a simulated node: resource names that stand for a device file of the machine.</summary>
public static class HostDevices
{
    private static readonly Dictionary<string, string> Plugins = new()
    {
        ["devices.kubevirt.io/tun"] = "/dev/net/tun",
        ["devices.kubevirt.io/kvm"] = "/dev/kvm",
        ["devices.kubevirt.io/vhost-net"] = "/dev/vhost-net",
        ["devices.kubevirt.io/vhost-vsock"] = "/dev/vhost-vsock",
    };

    /// <summary>Resource names whose device exists on this machine.</summary>
    public static IEnumerable<string> Available => Plugins.Where(plugin => Native.Stat(plugin.Value) is { IsCharDevice: true }).Select(plugin => plugin.Key);

    public static IEnumerable<HostDevice> For(ContainerResources resources) =>
        resources.Limits.Keys.Concat(resources.Requests.Keys).Distinct()
            .Where(Plugins.ContainsKey)
            // Whoever asked for the device may use it, whatever its owner on the host is.
            .Select(name => Read(Plugins[name]) is { } device ? device with { Mode = 438 } : throw new ContainerConfigException($"{Plugins[name]} is not on this machine"));

    /// <summary>All device files of the machine, for privileged containers.</summary>
    public static IEnumerable<HostDevice> All() =>
        Directory.EnumerateFiles("/dev", "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(path => !path.StartsWith("/dev/pts/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal)
                && !path.StartsWith("/dev/mqueue/", StringComparison.Ordinal) && path != "/dev/console" && path != "/dev/ptmx")
            .Select(Read).OfType<HostDevice>();

    /// <summary>A block volume as a container sees it, at the path of its own choice; whoever was given it may use it.</summary>
    public static HostDevice BlockVolume(string device, string path) =>
        Read(device) is { } found ? found with { Path = path, Mode = 438 } : throw new ContainerConfigException($"{device} is not a device of this machine");

    private static HostDevice? Read(string path) => Native.Stat(path) is { } status && (status.IsCharDevice || status.IsBlockDevice)
        ? new HostDevice(path, status.IsCharDevice ? 'c' : 'b', status.DeviceMajor, status.DeviceMinor, status.Mode & 0b111_111_111, status.Uid, status.Gid)
        : null;
}
