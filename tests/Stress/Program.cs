using System.CommandLine;
using Troupe.Stress.Migration;
using Troupe.Stress.Real;

var simulated = new Option<bool>("--simulated") { Description = "simulated hypervisors instead of libvirt and QEMU" };
var guests = new Option<int?>("--guests") { Description = "guests that live at a time (simulated 2000, real 2)" };
var nodes = new Option<int?>("--nodes") { Description = "nodes (simulated 200; real guests have 2)" };
var minutes = new Option<double>("--minutes") { Description = "how long migrations and faults go on", DefaultValueFactory = _ => 5 };
var seed = new Option<int?>("--seed") { Description = "of every random choice; printed, and another one each time without it" };
var parallel = new Option<int?>("--parallel") { Description = "migrations at a time" };
var faults = new Option<double?>("--faults") { Description = "faults a minute; 0 for none" };
var kinds = new Option<FaultKind[]>("--kinds") { Description = "kinds of faults; without it all", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
var output = new Option<string>("--output") { Description = "folder of the reports", DefaultValueFactory = _ => Path.Combine(Environment.GetEnvironmentVariable("TROUPE_DEV_DIR") ?? ".dev", "stress") };
var migration = new Command("migration", "moves guests about while things break; ends with a report, and with 1 if anything happened that must not")
{
    simulated, guests, nodes, minutes, seed, parallel, faults, kinds, output,
};
migration.SetAction(async (given, _) =>
{
    var isSimulated = given.GetValue(simulated);
    var (howMany, where) = (given.GetValue(guests) ?? (isSimulated ? 2000 : 2), given.GetValue(nodes) ?? (isSimulated ? 200 : 2));
    var options = new StressOptions(
        howMany, where, TimeSpan.FromMinutes(given.GetValue(minutes)), given.GetValue(seed) ?? Random.Shared.Next(), given.GetValue(parallel) ?? (isSimulated ? Math.Max(4, howMany / 20) : 2),
        given.GetValue(faults) ?? (isSimulated ? Math.Max(10, where / 5.0) : 4), TimeSpan.FromMinutes(isSimulated ? 6 : 4))
    { Kinds = given.GetValue(kinds)! };
    Say($"seed {options.Seed}");
    var report = isSimulated ? await new SimulatedStress(options, Say).RunAsync() : await new RealStress(options, Say).RunAsync();
    Console.WriteLine(report.Summary());
    var name = $"migration-{report.Mode}-{options.Seed}";
    await report.WriteAsync(given.GetValue(output)!, name);
    Console.WriteLine($"report: {Path.Combine(given.GetValue(output)!, name)}.html and .json");
    return report.Passed ? 0 : 1;
});
return await new RootCommand("Stress") { migration }.Parse(args).InvokeAsync();

static void Say(string what) => Console.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {what}");
