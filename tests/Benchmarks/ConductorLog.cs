using System.Globalization;
using System.Text.RegularExpressions;

namespace Troupe.Benchmarks;

/// <summary>What the control plane's log tells of migrations: when each step was decided, and what its journal took for it.</summary>
internal sealed partial class ConductorLog(string file)
{
    // 01:51:16.823 info: Troupe.ControlPlane.Vmi.VmiActor[0] VMI default/vm UID: MigrationStarted { MigrationId = ID, At = … }, journaled in 3.1 ms
    [GeneratedRegex(@"^(?<at>\d\d:\d\d:\d\d\.\d{3}) .*: (?<step>Migration\w+|RightHandedOver) \{ MigrationId = (?<id>[^, ]+).*, journaled in (?<took>[\d.]+) ms")]
    private static partial Regex Line();

    /// <returns>The steps of one migration, in order.</returns>
    public IReadOnlyList<Step> Of(string migrationUid)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        List<Step> steps = [];
        while (reader.ReadLine() is { } line)
        {
            if (Line().Match(line) is { Success: true } match && match.Groups["id"].Value == migrationUid)
                steps.Add(new Step(match.Groups["step"].Value, TimeOnly.Parse(match.Groups["at"].Value, CultureInfo.InvariantCulture), double.Parse(match.Groups["took"].Value, CultureInfo.InvariantCulture)));
        }

        return steps;
    }

    /// <param name="At">When it was in the journal, by the host's clock.</param>
    internal sealed record Step(string Name, TimeOnly At, double JournalMs);
}
