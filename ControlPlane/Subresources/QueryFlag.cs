namespace Troupe.ControlPlane.Subresources;

/// <summary>A yes or no in a query, in all the ways in which Go reads one.</summary>
internal static class QueryFlag
{
    public static bool IsSet(HttpContext context, string name) => Parse(context.Request.Query[name]) is true;

    /// <summary>Null when it is neither.</summary>
    public static bool? Parse(string? text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };
}
