namespace Troupe.Stress.Migration;

/// <summary>One migration, from the creation of its object to its end.</summary>
/// <param name="Phase"><c>Succeeded</c>, <c>Failed</c>, <c>Deleted</c> when its object was deleted before an end was seen, or <c>Unfinished</c>.</param>
/// <param name="Aborted">Somebody deleted it on purpose.</param>
/// <param name="Reason">Why it failed, in the object's words.</param>
public sealed record MigrationOutcome(string Name, string Phase, bool Aborted, string? Reason, TimeSpan Total)
{
    private const int Longest = 120;

    /// <summary>The reason's first line without what is different in every message, so that reasons can be counted.</summary>
    public string ShortReason
    {
        get
        {
            var line = (Reason ?? "").Split('\n')[0].Trim();
            var words = line.Split(' ').Select(w => w.Any(char.IsAsciiDigit) && w.Any(c => c is '-' or '.' or ':') ? "…" : w);
            var text = string.Join(' ', words);
            return text.Length > Longest ? text[..Longest] : text.Length == 0 ? "no reason given" : text;
        }
    }
}
