using Troupe.DevCluster.Api;
using Troupe.DevCluster.Security;
using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>The variable <c>authorizer</c>: asks what a user may do.</summary>
internal sealed record CelAuthorizer(IAuthorizer Authorizer, UserInfo User)
{
    /// <summary><c>authorizer.requestResource</c>: about what the request itself is about.</summary>
    public CelResourceCheck? RequestResource { get; init; }
}

internal sealed record CelPathCheck(CelAuthorizer Of, string Path);

internal sealed record CelGroupCheck(CelAuthorizer Of, string Group);

internal sealed record CelResourceCheck(IAuthorizer Authorizer, AuthorizationAttributes Asked);

/// <summary>Kubernetes' authorizer library. RBAC doesn't look at selectors, so that they change no answer.</summary>
internal static class CelAuthorization
{
    /// <summary>Allows for two checks in one expression.</summary>
    public const long CheckCost = 350_000;

    public static IEnumerable<CelOverload> All() =>
    [
        Member("path", PathCheck, a => new CelPathCheck(Of(a), Filled("path", a[1])), Authorizer, CelType.String),
        Member("group", GroupCheck, a => new CelGroupCheck(Of(a), (string)a[1]!), Authorizer, CelType.String),
        Member("serviceAccount", Authorizer, a => ServiceAccount(Of(a), (string)a[1]!, (string)a[2]!), Authorizer, CelType.String, CelType.String),
        Member("resource", ResourceCheck, a => Resource((CelGroupCheck)a[0]!, Filled("resource", a[1])), GroupCheck, CelType.String),
        Narrowing("subresource", (asked, value) => asked with { Subresource = value }),
        Narrowing("namespace", (asked, value) => asked with { Namespace = value }),
        Narrowing("name", (asked, value) => asked with { Name = value }),
        Narrowing("fieldSelector", (asked, _) => asked),
        Narrowing("labelSelector", (asked, _) => asked),
        Member("check", Decision, a => Ask((CelPathCheck)a[0]!, (string)a[1]!), PathCheck, CelType.String),
        Member("check", Decision, a => Ask((CelResourceCheck)a[0]!, (string)a[1]!), ResourceCheck, CelType.String),
        Member("allowed", Bool, a => ((AuthorizationDecision)a[0]!).Allowed, Decision),
        Member("reason", CelType.String, a => ((AuthorizationDecision)a[0]!).Reason, Decision),
        // RBAC knows no errors: what is not allowed is denied.
        Member("errored", Bool, _ => false, Decision),
        Member("error", CelType.String, _ => "", Decision),
    ];

    private static CelOverload Member(string name, CelType result, Func<object?[], object?> run, params CelType[] arguments) => new(name, true, arguments, result, run);

    private static CelOverload Narrowing(string name, Func<AuthorizationAttributes, string, AuthorizationAttributes> narrow) =>
        Member(name, ResourceCheck, a => a[0] is CelResourceCheck check ? check with { Asked = narrow(check.Asked, (string)a[1]!) } : null, ResourceCheck, CelType.String);

    private static CelAuthorizer Of(object?[] arguments) => (CelAuthorizer)arguments[0]!;

    private static string Filled(string what, object? value) => value is string text && text.Trim().Length > 0 ? text : throw new CelException(what + " must not be empty");

    private static CelAuthorizer ServiceAccount(CelAuthorizer of, string ns, string name)
    {
        if (Names.DnsSubdomainProblem(name) is not null)
            throw new CelException("Invalid service account name");
        if (Names.DnsLabelProblem(ns) is not null)
            throw new CelException("Invalid service account namespace");
        return new CelAuthorizer(of.Authorizer, new UserInfo($"system:serviceaccount:{ns}:{name}", "system:serviceaccounts", $"system:serviceaccounts:{ns}"));
    }

    private static CelResourceCheck Resource(CelGroupCheck group, string resource) =>
        new(group.Of.Authorizer, new AuthorizationAttributes(group.Of.User, "", Group: group.Group, Version: "*", Resource: resource));

    private static object Ask(CelPathCheck check, string verb) => check.Of.Authorizer.Authorize(new AuthorizationAttributes(check.Of.User, verb, Path: check.Path));

    private static object Ask(CelResourceCheck check, string verb) => check.Authorizer.Authorize(check.Asked with { Verb = verb });
}
