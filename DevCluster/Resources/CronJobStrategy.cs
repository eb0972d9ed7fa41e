using System.Text.Json.Nodes;
using Cronos;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;

namespace Troupe.DevCluster.Resources;

internal sealed class CronJobStrategy : ResourceStrategy
{
    /// <summary>A job's name adds eleven characters, and pods' names must stay labels.</summary>
    private const int LongestName = 52;

    public override void Default(JsonObject obj)
    {
        var spec = obj.Child("spec");
        spec.Fill("concurrencyPolicy", "Allow");
        spec.Fill("suspend", false);
        spec.Fill("successfulJobsHistoryLimit", 3L);
        spec.Fill("failedJobsHistoryLimit", 1L);
        if (spec.Obj("jobTemplate", "spec", "template", "spec") is { } template)
            PodTemplates.Default(template);
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var spec = obj.Obj("spec");
        if (obj.Name().Length > LongestName)
            yield return new("FieldValueInvalid", $"Invalid value: \"{obj.Name()}\": must be no more than {LongestName} characters", "metadata.name");
        var schedule = spec.Str("schedule") ?? "";
        if (schedule.Length == 0)
            yield return new("FieldValueRequired", "Required value", "spec.schedule");
        else if (ScheduleProblem(schedule) is { } problem)
            yield return new("FieldValueInvalid", $"Invalid value: \"{schedule}\": {problem}", "spec.schedule");
        if (spec.Str("timeZone") is { } zone && (zone.Length == 0 || zone.Equals("local", StringComparison.OrdinalIgnoreCase) || !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _)))
            yield return new("FieldValueInvalid", $"Invalid value: \"{zone}\": unknown time zone {zone}", "spec.timeZone");
        if (spec.Str("concurrencyPolicy") is not ("Allow" or "Forbid" or "Replace"))
            yield return new("FieldValueNotSupported", $"Unsupported value: {spec.At("concurrencyPolicy").Quoted()}: supported values: \"Allow\", \"Forbid\", \"Replace\"", "spec.concurrencyPolicy");
        foreach (var field in new[] { "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit" })
        {
            if (spec.Int(field) is < 0 and var number)
                yield return new("FieldValueInvalid", $"Invalid value: {number}: must be greater than or equal to 0", "spec." + field);
        }
    }

    private static string? ScheduleProblem(string schedule)
    {
        try
        {
            CronExpression.Parse(schedule);
            return null;
        }
        catch (CronFormatException e)
        {
            return e.Message;
        }
    }
}
