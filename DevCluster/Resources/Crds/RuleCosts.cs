using System.Globalization;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Machinery.Cel;

namespace Troupe.DevCluster.Resources.Crds;

/// <summary>Adds up what the rules of one schema can cost, and refuses the rule or the schema that is too dear.</summary>
/// <param name="causes">Receives what is wrong.</param>
/// <param name="single">Whether each rule is to be looked at by itself: not where the schema was there before.</param>
internal sealed class RuleCosts(List<StatusCause> causes, bool single)
{
    private const ulong RuleLimit = 10_000_000, SchemaLimit = 100_000_000;
    private const int Told = 4;
    private readonly List<(string Field, ulong Cost)> _dear = [];
    private ulong _total;

    /// <param name="field">The expression.</param>
    /// <param name="what">"rule" or "messageExpression".</param>
    /// <param name="cost">At most, with all its repetitions.</param>
    public void Add(string field, string what, ulong cost)
    {
        if (single && cost > RuleLimit)
            causes.Add(new("FieldValueForbidden", "Forbidden: " + Exceeded($"estimated {what} cost", cost, RuleLimit), field));
        _total = ulong.MaxValue - _total < cost ? ulong.MaxValue : _total + cost;
        if (cost >= SchemaLimit / 100)
            _dear.Add((field, cost));
    }

    public void Close(string path)
    {
        if (_total <= SchemaLimit)
            return;
        causes.AddRange(_dear.OrderByDescending(d => d.Cost).Take(Told).Select(d =>
            new StatusCause("FieldValueForbidden", "Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema", d.Field)));
        causes.Add(new("FieldValueForbidden", "Forbidden: " + Exceeded("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", _total, SchemaLimit), path));
    }

    /// <summary>How many values of the schema inside of this one there can be; null where nothing limits them.</summary>
    public static ulong? Inside(Schema schema, ulong? outside)
    {
        var most = schema.Type switch
        {
            SchemaType.Array => schema.Rules?.MaxItems ?? -1,
            SchemaType.Object when schema.AdditionalProperties is not null => schema.Rules?.MaxProperties ?? -1,
            _ => 1,
        };
        return outside is null || most < 0 ? null : CelCost.Times(outside.Value, (ulong)most);
    }

    private static string Exceeded(string what, ulong cost, ulong limit)
    {
        var factor = cost / (double)limit;
        var times = factor > 100 ? "more than 100x" : factor.ToString(factor < 1.5 ? "F6" : "F1", CultureInfo.InvariantCulture) + "x";
        return $"{what} exceeds budget by factor of {times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    }
}
