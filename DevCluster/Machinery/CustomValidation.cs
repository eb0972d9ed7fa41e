using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Machinery.Cel;

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// All that a CRD's schema demands of an object. An update is not refused for values that it leaves as they are (ratcheting), so that
/// a schema can be tightened under objects that exist.
/// </summary>
internal static class CustomValidation
{
    private static readonly HashSet<string> Blocking =
        ["FieldValueRequired", "FieldValueNotSupported", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

    public static IReadOnlyList<StatusCause> Validate(JsonObject obj, JsonObject? old, Schema schema)
    {
        var causes = SchemaValidator.Validate(obj, schema, old);
        EmbeddedResources.Check(obj, schema, "", causes);
        if (causes.Any(c => Blocking.Contains(c.Reason)))
        {
            if (CelRule.Any(schema))
            {
                causes.Add(new("FieldValueInvalid",
                    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation", "<nil>"));
            }
            return causes;
        }
        causes.AddRange(CelValidator.Validate(obj, old, schema));
        return causes;
    }
}
