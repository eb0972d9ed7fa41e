using System.Text.Json;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Server;

/// <param name="GracePeriod">How long a guest may take to shut down when the pod is told to end.</param>
/// <param name="HookSidecars">Containers of the pod that change the guest before it starts.</param>
/// <param name="StartTimeout">How long a guest may take to start.</param>
public sealed record LauncherOptions(string Name, string Namespace, string Uid, TimeSpan GracePeriod, TimeSpan StartTimeout, int HookSidecars = 0)
{
    private const string Grace = "grace-period-seconds";
    private const string QemuTimeout = "qemu-timeout";
    private const string Hooks = "hook-sidecars";
    private const string Balloon = "memory-stats-period";
    private const string SmbiosOption = "smbios";
    private const string NoReporting = "--no-free-page-reporting";
    private const string NoLog = "--no-serial-console-log";

    /// <summary>Guests give memory that they do not use back while they run.</summary>
    public bool ReportsFreePages { get; init; } = true;

    /// <summary>Of a guest that does not say whether.</summary>
    public bool LogsSerialConsole { get; init; } = true;

    /// <summary>Seconds between the guest's reports of its memory.</summary>
    public int BalloonPeriod { get; init; } = LauncherDefaults.BalloonPeriod;

    public SMBiosConfiguration Smbios { get; init; } = LauncherDefaults.Smbios;

    /// <exception cref="ArgumentException">Names the argument that is wrong.</exception>
    public static LauncherOptions Parse(IReadOnlyList<string> args)
    {
        Dictionary<string, string> values = [];
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] is "--allow-emulation" or NoReporting or NoLog)
                continue;
            if (!args[i].StartsWith("--", StringComparison.Ordinal) || i + 1 >= args.Count)
                throw new ArgumentException($"unexpected argument '{args[i]}'");
            values[args[i][2..]] = args[++i];
        }

        foreach (var unknown in values.Keys.Where(k => k is not ("name" or "namespace" or "uid" or Grace or QemuTimeout or Hooks or Balloon or SmbiosOption)))
            throw new ArgumentException($"unknown option --{unknown}");
        return new LauncherOptions(Required("name"), Required("namespace"), Required("uid"), Seconds(Grace, "30"), Seconds(QemuTimeout, "240s"),
            int.TryParse(values.GetValueOrDefault(Hooks, "0"), out var hooks) && hooks >= 0 ? hooks : throw new ArgumentException($"--{Hooks} takes a number, got '{values[Hooks]}'"))
        {
            ReportsFreePages = !args.Contains(NoReporting),
            LogsSerialConsole = !args.Contains(NoLog),
            BalloonPeriod = !values.TryGetValue(Balloon, out var period) ? LauncherDefaults.BalloonPeriod
                : int.TryParse(period, out var seconds) && seconds >= 0 ? seconds : throw new ArgumentException($"--{Balloon} takes a number of seconds, got '{period}'"),
            Smbios = values.TryGetValue(SmbiosOption, out var smbios) ? Parse(smbios) : LauncherDefaults.Smbios,
        };

        static SMBiosConfiguration Parse(string json)
        {
            try
            {
                return JsonSerializer.Deserialize(json, ApiJson.Default.SMBiosConfiguration) ?? LauncherDefaults.Smbios;
            }
            catch (JsonException e)
            {
                throw new ArgumentException($"--{SmbiosOption}: {e.Message}", e);
            }
        }

        string Required(string name) => values.TryGetValue(name, out var value) ? value : throw new ArgumentException($"--{name} is required");

        TimeSpan Seconds(string name, string usual)
        {
            var text = values.GetValueOrDefault(name, usual);
            return int.TryParse(text.TrimEnd('s'), out var seconds) && seconds >= 0 ? TimeSpan.FromSeconds(seconds) : throw new ArgumentException($"--{name} takes a number of seconds, got '{text}'");
        }
    }
}
