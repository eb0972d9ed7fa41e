namespace Troupe.DevCluster.Machinery;

/// <summary>Kubernetes' rules for names, labels and annotations; each returns what is wrong, or null.</summary>
internal static class Names
{
    /// <summary>Of the annotations of one object, in bytes of keys and values together.</summary>
    public const int MaxAnnotationBytes = 256 * 1024;

    public static string? DnsLabelProblem(string name) =>
        name.Length > 63 ? "must be no more than 63 characters"
        : name.Length > 0 && name.All(c => IsLowerOrDigit(c) || c == '-') && name[0] != '-' && name[^1] != '-' ? null
        : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    public static string? DnsLabel1035Problem(string name) =>
        name.Length > 63 ? "must be no more than 63 characters"
        : name.Length > 0 && name.All(c => IsLowerOrDigit(c) || c == '-') && char.IsAsciiLetterLower(name[0]) && name[^1] != '-' ? null
        : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    public static string? DnsSubdomainProblem(string name) =>
        name.Length > 253 ? "must be no more than 253 characters"
        : name.Length > 0 && name.Split('.').All(p => p.Length > 0 && p.All(c => IsLowerOrDigit(c) || c == '-') && p[0] != '-' && p[^1] != '-') ? null
        : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    /// <summary>For kinds whose names may be anything that fits into a URL path (RBAC).</summary>
    public static string? PathSegmentProblem(string name) =>
        name is "." or ".." ? $"may not be '{name}'"
        : name.Contains('/', StringComparison.Ordinal) ? "may not contain '/'"
        : name.Contains('%', StringComparison.Ordinal) ? "may not contain '%'"
        : null;

    public static string? LabelKeyProblem(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash == 0)
            return "prefix part must be non-empty";
        if (slash > 0 && DnsSubdomainProblem(key[..slash]) is { } problem)
            return "prefix part " + problem;
        var name = key[(slash + 1)..];
        return name.Length == 0 ? "name part must be non-empty"
            : name.Length > 63 ? "name part must be no more than 63 characters"
            : Qualified(name) ? null
            : "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    }

    public static string? LabelValueProblem(string value) =>
        value.Length > 63 ? "must be no more than 63 characters"
        : value.Length == 0 || Qualified(value) ? null
        : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private static bool Qualified(string text) =>
        char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static bool IsLowerOrDigit(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
}
