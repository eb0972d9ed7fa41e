using System.Globalization;

namespace Troupe.NodeActors.Launchers;

/// <summary>One process for as long as it lives; a later one with the same pid is another.</summary>
/// <param name="StartTicks">Field 22 of <c>/proc/PID/stat</c>, in clock ticks since boot; 0 when the process had ended already.</param>
public readonly record struct LauncherProcess(int Id, long StartTicks)
{
    public static LauncherProcess Of(int pid) => new(pid, Read(pid) is ({ } ticks, _) ? ticks : 0);

    /// <summary>A zombie counts as ended: it only waits for its parent.</summary>
    public bool HasEnded => StartTicks == 0 || Read(Id) is not ({ } ticks, { } state) || ticks != StartTicks || state is 'Z' or 'X';

    private static (long?, char?) Read(int pid)
    {
        try
        {
            // "PID (name) S …": the name may hold anything, so count from its closing parenthesis.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[19], CultureInfo.InvariantCulture), fields[0][0]);
        }
        catch (IOException)
        {
            // No such process, or it ended while it was read.
            return (null, null);
        }
    }
}
