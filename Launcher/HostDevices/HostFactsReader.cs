using System.Globalization;
using Troupe.Launcher.Converter;

namespace Troupe.Launcher.HostDevices;

internal static class HostFactsReader
{
    private const string NodeFolder = "/sys/devices/system/node";
    private static readonly string[] UefiFolders = ["/usr/share/OVMF", "/usr/share/edk2/ovmf"];

    // Debian's and Fedora's names; the 4M variants first, which have room for today's revocation lists.
    private static readonly (string Code, string Vars)[] UefiNames = [("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd")];
    private static readonly (string Code, string Vars)[] SecureUefiNames =
        [("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"), ("OVMF_CODE.secboot.fd", "OVMF_VARS.ms.fd"), ("OVMF_CODE.secboot.fd", "OVMF_VARS.secboot.fd")];

    public static HostFacts Read() => new()
    {
        Cpus = AllowedCpus(),
        NumaNodes = NumaNodes(),
        Siblings = Siblings(),
        Uefi = Find(UefiNames),
        SecureUefi = Find(SecureUefiNames),
        SevUefi = Find([("OVMF_CODE.cc.fd", "OVMF_VARS.fd")]),
        SnpUefi = Find("OVMF.amdsev.fd"),
        TdxUefi = Find("OVMF.inteltdx.fd"),
        SecureTdxUefi = Find("OVMF.inteltdx.secboot.fd"),
        HasVhostNet = File.Exists("/dev/vhost-net"),
        HasVhostVsock = File.Exists("/dev/vhost-vsock"),
        HasSev = File.Exists("/dev/sev"),
        HasSwtpm = File.Exists("/usr/bin/swtpm"),
    };

    /// <summary>"0-2,5" is 0, 1, 2 and 5.</summary>
    internal static IReadOnlyList<int> ParseList(string list) =>
    [
        .. list.Trim().Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(part =>
        {
            var ends = part.Split('-').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToList();
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        }),
    ];

    private static IReadOnlyList<int> AllowedCpus()
    {
        const string Key = "Cpus_allowed_list:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal));
        return line is null ? [] : ParseList(line[Key.Length..]);
    }

    private static Dictionary<int, IReadOnlyList<int>> Siblings() => NumaNodes().Values.SelectMany(c => c).Concat(AllowedCpus()).Distinct()
        .Select(cpu => (Cpu: cpu, File: $"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")).Where(c => File.Exists(c.File))
        .ToDictionary(c => c.Cpu, c => ParseList(File.ReadAllText(c.File)));

    private static Dictionary<int, IReadOnlyList<int>> NumaNodes() => !Directory.Exists(NodeFolder)
        ? []
        : Directory.GetDirectories(NodeFolder, "node*")
            .Where(d => int.TryParse(Path.GetFileName(d)["node".Length..], out _) && File.Exists(Path.Combine(d, "cpulist")))
            .ToDictionary(d => int.Parse(Path.GetFileName(d)["node".Length..], CultureInfo.InvariantCulture), d => ParseList(File.ReadAllText(Path.Combine(d, "cpulist"))));

    private static string? Find(string name) => UefiFolders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);

    private static UefiImages? Find(IEnumerable<(string Code, string Vars)> names) => (
        from folder in UefiFolders
        from name in names
        let images = new UefiImages(Path.Combine(folder, name.Code), Path.Combine(folder, name.Vars))
        where File.Exists(images.Code) && File.Exists(images.Vars)
        select images).FirstOrDefault();
}
