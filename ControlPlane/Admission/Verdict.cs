using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission;

/// <summary>What admission says to a request.</summary>
/// <param name="Refusal">Null when the request may pass.</param>
/// <param name="Warnings">Shown to the user by kubectl; the request passes all the same.</param>
public sealed record Verdict(Status? Refusal, IReadOnlyList<string> Warnings)
{
    /// <summary>More than this many causes are counted, not shown.</summary>
    private const int MostShown = 10;

    public static Verdict Allowed { get; } = new(null, []);

    public bool IsAllowed => Refusal is null;

    public static Verdict AllowedWith(IReadOnlyList<string> warnings) => warnings.Count == 0 ? Allowed : new Verdict(null, warnings);

    /// <summary>A request that could not be understood, or that the state of other objects forbids.</summary>
    public static Verdict Error(string message, int code = 400) => new(Failure(message, code), []);

    /// <summary>Allowed when there are no causes.</summary>
    public static Verdict Of(IEnumerable<StatusCause> causes, IReadOnlyList<string>? warnings = null, int most = MostShown)
    {
        var all = causes.ToList();
        if (all.Count == 0)
            return AllowedWith(warnings ?? []);
        var shown = all.Take(most).ToList();
        var message = string.Join(", ", shown.Select(c => c.Message));
        if (all.Count > most)
            message = $"{message}, and {all.Count - most} more validation errors";
        return new Verdict(Failure(message, 422) with { Reason = "Invalid", Details = new StatusDetails { Causes = shown } }, []);
    }

    private static Status Failure(string message, int code) => new() { Outcome = "Failure", Code = code, Message = message };
}
