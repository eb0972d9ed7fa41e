namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>An expression that went wrong while it ran, e.g. <c>no such key: x</c> or <c>divide by zero</c>.</summary>
internal sealed class CelException(string message) : Exception(message);

/// <summary>An expression that can't be compiled; the message shows where, as Kubernetes shows it.</summary>
internal sealed class CelSyntaxException(string why, string source, int position) : Exception(Display(why, source, position))
{
    private static string Display(string why, string source, int position)
    {
        position = Math.Clamp(position, 0, source.Length);
        var start = position == 0 ? 0 : source.LastIndexOf('\n', position - 1) + 1;
        var end = source.IndexOf('\n', start);
        var line = source.AsSpan(0, start).Count('\n') + 1;
        return $"ERROR: <input>:{line}:{position - start + 1}: {why}\n | {source[start..(end < 0 ? source.Length : end)]}\n | {new string('.', position - start)}^";
    }
}
