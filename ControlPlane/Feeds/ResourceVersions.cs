namespace Troupe.ControlPlane.Feeds;

/// <summary>Which of two versions of one object is later: a feed may lag behind the owner's own writes, and an answer behind the feed.</summary>
internal static class ResourceVersions
{
    /// <summary>Also the same version, and when one of them is missing or no number: that is never held to be old.</summary>
    public static bool IsNewer(string? version, string? known) =>
        !ulong.TryParse(known, out var old) || !ulong.TryParse(version, out var now) || now >= old;
}
