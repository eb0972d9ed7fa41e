namespace Troupe.NodeActors.Volumes;

/// <summary>Which devices the processes of a container may open.</summary>
internal static class DeviceAccess
{
    private const string Hierarchy = "/sys/fs/cgroup/devices";

    /// <exception cref="UnsupportedVolumeException">This node's cgroups (version 2) have no such list: a container's devices are fixed when it starts.</exception>
    public static void Allow(int pid, (uint Major, uint Minor) device)
    {
        // "7:devices:/kubepods/…"
        var group = File.ReadLines($"/proc/{pid}/cgroup").Select(l => l.Split(':', 3)).FirstOrDefault(l => l is [_, var controllers, _] && controllers.Split(',').Contains("devices"))?[2]
            ?? throw new UnsupportedVolumeException("a block volume can be plugged into a running guest only on nodes with cgroup v1; use a claim with volumeMode Filesystem");
        File.WriteAllText($"{Hierarchy}{group}/devices.allow", $"b {device.Major}:{device.Minor} rwm");
    }
}
