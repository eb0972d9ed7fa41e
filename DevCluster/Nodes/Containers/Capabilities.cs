using System.Globalization;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Containers;

internal static class Capabilities
{
    // Numbers are those of linux/capability.h; the place in the list is the number.
    private static readonly string[] All =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
        "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
        "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
        "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    /// <summary>What container engines give by default.</summary>
    private static readonly string[] Default =
    [
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
        "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    ];

    private static readonly Lazy<HashSet<string>> Ours = new(ReadBoundingSet);

    /// <summary>OCI names (CAP_...), limited to what this machine's root has: runc refuses to give what it lacks.</summary>
    public static IReadOnlyList<string> Of(SecurityContext context)
    {
        var wanted = (context.Privileged ? All : Default).ToHashSet();
        var drop = context.Capabilities.Drop.Select(Normal).ToList();
        var add = context.Capabilities.Add.Select(Normal).ToList();
        if (drop.Contains("ALL")) wanted.Clear();
        if (add.Contains("ALL")) wanted.UnionWith(All);
        wanted.ExceptWith(drop);
        wanted.UnionWith(add.Where(name => name != "ALL"));
        return [.. wanted.Where(Ours.Value.Contains).Order(StringComparer.Ordinal).Select(name => "CAP_" + name)];
    }

    private static string Normal(string name) => name.ToUpperInvariant() is var upper && upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper[4..] : upper;

    private static HashSet<string> ReadBoundingSet()
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("CapBnd:", StringComparison.Ordinal));
        var mask = ulong.Parse(line[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return [.. All.Where((_, number) => (mask >> number & 1) == 1)];
    }
}
