namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>One signature of a function or operator; for a member function the first argument is what stands before the dot.</summary>
internal sealed record CelOverload(string Name, bool Member, CelType[] Arguments, CelType Result, Func<object?[], object?> Run)
{
    public bool Fits(object?[] values)
    {
        if (values.Length != Arguments.Length)
            return false;
        for (var i = 0; i < values.Length; i++)
        {
            if (!Fits(Arguments[i].Kind, values[i]))
                return false;
        }
        return true;
    }

    private static bool Fits(CelKind kind, object? value) => kind switch
    {
        CelKind.Dyn or CelKind.Variable => true,
        CelKind.Null => value is null,
        CelKind.Bool => value is bool,
        CelKind.Int => value is long,
        CelKind.Uint => value is ulong,
        CelKind.Double => value is double,
        CelKind.String => value is string,
        CelKind.Bytes => value is byte[],
        CelKind.List => value is CelList,
        CelKind.Map => value is CelMap,
        CelKind.Object => value is CelStruct,
        CelKind.Duration => value is TimeSpan,
        CelKind.Timestamp => value is DateTimeOffset,
        CelKind.Type => value is CelType,
        CelKind.Optional => value is CelOptional,
        CelKind.Quantity => value is decimal,
        CelKind.Url => value is Uri,
        CelKind.Ip => value is System.Net.IPAddress,
        CelKind.Authorizer => value is CelAuthorizer,
        CelKind.PathCheck => value is CelPathCheck,
        CelKind.GroupCheck => value is CelGroupCheck,
        CelKind.ResourceCheck => value is CelResourceCheck,
        CelKind.Decision => value is Security.AuthorizationDecision,
        CelKind.Format => value is CelFormat,
        CelKind.Semver => value is CelVersion,
        _ => value is System.Net.IPNetwork,
    };
}
