using System.Text.Json.Nodes;

namespace Troupe.DevCluster.Nodes.Containers;

internal sealed record ContainerMount(string Source, string Destination, bool ReadOnly, string? Propagation = null);

/// <summary>Everything that decides a container's OCI config.json.</summary>
internal sealed record ContainerSpec
{
    public required IReadOnlyList<string> Arguments { get; init; }
    public required IReadOnlyDictionary<string, string> Environment { get; init; }
    public required string WorkingDirectory { get; init; }
    public required UserIdentity User { get; init; }
    public required IReadOnlyList<string> Capabilities { get; init; }
    public required string Hostname { get; init; }
    public required string CgroupsPath { get; init; }
    public string? NetnsPath { get; init; }
    public bool HostPid { get; init; }
    public string? PidNamespacePath { get; init; }
    public bool Privileged { get; init; }
    public bool NoNewPrivileges { get; init; }
    public bool ReadOnlyRoot { get; init; }
    public bool Terminal { get; init; }
    public required IReadOnlyList<OverlayMount> Overlays { get; init; }
    public required IReadOnlyList<ContainerMount> Mounts { get; init; }
    public IReadOnlyList<HostDevice> Devices { get; init; } = [];
    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();
    public long? CpuRequestMilli { get; init; }
    public long? CpuLimitMilli { get; init; }
    public long? MemoryLimit { get; init; }

    public JsonObject ToOci() => new()
    {
        ["ociVersion"] = "1.0.2",
        ["root"] = new JsonObject { ["path"] = "rootfs", ["readonly"] = ReadOnlyRoot },
        ["hostname"] = Hostname,
        ["process"] = new JsonObject
        {
            ["terminal"] = Terminal,
            ["user"] = new JsonObject { ["uid"] = User.Uid, ["gid"] = User.Gid, ["additionalGids"] = Array(User.Groups.Select(gid => (JsonNode)gid)) },
            ["args"] = Strings(Arguments),
            ["env"] = Strings(Environment.Select(entry => $"{entry.Key}={entry.Value}")),
            ["cwd"] = WorkingDirectory,
            ["capabilities"] = new JsonObject
            {
                ["bounding"] = Strings(Capabilities),
                ["effective"] = Strings(Capabilities),
                ["permitted"] = Strings(Capabilities),
            },
            ["noNewPrivileges"] = NoNewPrivileges,
        },
        ["mounts"] = Array(Overlays.Select(overlay => overlay.ToOci())
            .Concat(SystemMounts())
            // Parents before children, so that a volume inside another volume's path is not hidden.
            .Concat(Mounts.OrderBy(mount => mount.Destination.Count(c => c == '/')).Select(Bind))),
        ["linux"] = new JsonObject
        {
            ["cgroupsPath"] = CgroupsPath,
            ["namespaces"] = Array(Namespaces()),
            ["devices"] = Array(Devices.Select(Device)),
            ["sysctl"] = new JsonObject(Sysctls.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
            ["resources"] = Resources(),
            ["maskedPaths"] = Privileged ? [] : Strings(["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]),
            ["readonlyPaths"] = Privileged ? [] : Strings(["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]),
        },
    };

    private IEnumerable<JsonNode> Namespaces()
    {
        yield return new JsonObject { ["type"] = "mount" };
        yield return new JsonObject { ["type"] = "ipc" };
        yield return new JsonObject { ["type"] = "uts" };
        if (PidNamespacePath is not null) yield return new JsonObject { ["type"] = "pid", ["path"] = PidNamespacePath };
        else if (!HostPid) yield return new JsonObject { ["type"] = "pid" };
        if (NetnsPath is not null) yield return new JsonObject { ["type"] = "network", ["path"] = NetnsPath };
    }

    private IEnumerable<JsonNode> SystemMounts()
    {
        var sys = Privileged ? "rw" : "ro";
        yield return Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        yield return Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        yield return Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5");
        yield return Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k");
        yield return Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
        yield return Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", sys);
        yield return Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", sys);
    }

    private JsonObject Resources()
    {
        var resources = new JsonObject { ["devices"] = Array(DeviceRules()) };
        var cpu = new JsonObject();
        // The kubelet's conversions: 1024 shares and 100 ms of quota per 100 ms period are one CPU; 2 shares is the kernel's least.
        if ((CpuRequestMilli ?? CpuLimitMilli) is { } request) cpu["shares"] = Math.Max(2, request * 1024 / 1000);
        if (CpuLimitMilli is > 0 and var limit)
        {
            cpu["period"] = 100_000;
            cpu["quota"] = Math.Max(1000, limit * 100);
        }
        if (cpu.Count > 0) resources["cpu"] = cpu;
        if (MemoryLimit is > 0 and var bytes) resources["memory"] = new JsonObject { ["limit"] = bytes };
        return resources;
    }

    private IEnumerable<JsonNode> DeviceRules()
    {
        if (Privileged)
        {
            yield return new JsonObject { ["allow"] = true, ["access"] = "rwm" };
            yield break;
        }
        yield return new JsonObject { ["allow"] = false, ["access"] = "rwm" };
        foreach (var device in Devices)
            yield return new JsonObject { ["allow"] = true, ["type"] = device.Type.ToString(), ["major"] = device.Major, ["minor"] = device.Minor, ["access"] = "rwm" };
    }

    private static JsonNode Device(HostDevice device) => new JsonObject
    {
        ["path"] = device.Path,
        ["type"] = device.Type.ToString(),
        ["major"] = device.Major,
        ["minor"] = device.Minor,
        ["fileMode"] = device.Mode,
        ["uid"] = device.Uid,
        ["gid"] = device.Gid,
    };

    private static JsonNode Bind(ContainerMount mount)
    {
        var propagation = mount.Propagation switch { "HostToContainer" => "rslave", "Bidirectional" => "rshared", _ => "rprivate" };
        return Mount(mount.Destination, "bind", mount.Source, "rbind", propagation, mount.ReadOnly ? "ro" : "rw");
    }

    private static JsonNode Mount(string destination, string type, string source, params string[] options) =>
        new JsonObject { ["destination"] = destination, ["type"] = type, ["source"] = source, ["options"] = Strings(options) };

    private static JsonArray Strings(IEnumerable<string> texts) => Array(texts.Select(text => (JsonNode)text));
    private static JsonArray Array(IEnumerable<JsonNode> nodes) => new([.. nodes]);
}

/// <summary>
/// A writable layer over read-only directories, mounted by runc inside the container's own mount namespace: nothing is mounted on the
/// host, so nothing can be left behind there.
/// </summary>
internal sealed record OverlayMount(string Destination, IReadOnlyList<string> Lower, string Upper, string Work)
{
    public JsonNode ToOci() => new JsonObject
    {
        ["destination"] = Destination,
        ["type"] = "overlay",
        ["source"] = "overlay",
        ["options"] = new JsonArray($"lowerdir={string.Join(':', Lower)}", $"upperdir={Upper}", $"workdir={Work}"),
    };
}
