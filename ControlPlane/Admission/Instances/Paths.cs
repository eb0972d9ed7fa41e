using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>Paths inside of images.</summary>
internal static class Paths
{
    /// <summary>An absolute path to a file that climbs nowhere; an empty one is somebody else's question.</summary>
    public static IEnumerable<StatusCause> AbsoluteFile(FieldPath field, string? path)
    {
        if (path is null or "")
            yield break;
        if (path == "/")
            yield return Cause.Invalid(field, $"{field} must not point to root");
        else if (Cleaned(path) != (path.EndsWith('/') ? path[..^1] : path))
            yield return Cause.Invalid(field, $"{field} must be an absolute path to a file without relative components");
    }

    private static string Cleaned(string path)
    {
        List<string> parts = [];
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            else if (part != ".")
                parts.Add(part);
        }

        return "/" + string.Join('/', parts);
    }
}
