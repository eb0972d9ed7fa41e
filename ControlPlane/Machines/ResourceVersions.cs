namespace Troupe.ControlPlane.Machines;

/// <summary>Which of two versions of one object is later: a feed may lag behind the owner's own writes, and an answer behind the feed.</summary>
internal static class ResourceVersions
{
    /// <summary>Also when nothing is known yet.</summary>
    public static bool IsNewer(string? version, string? known) =>
        !ulong.TryParse(known, out var old) || !ulong.TryParse(version, out var now) || now >= old;
}
