"""The names of keys in plans: one concept, and all that MARS, MultIO and ecCodes call it."""

from __future__ import annotations

# Concept -> keys of a message that hold it, the first that is there counts.
NAMES: dict[str, tuple[str, ...]] = {
    "param": ("param", "paramId", "parameter"),
    "shortName": ("shortName", "short_name"),
    "name": ("name",),
    "units": ("units",),
    "standardName": ("standardName", "standard_name"),
    "levelist": ("levelist", "level", "leve", "levellist"),
    "levtype": ("levtype", "levtyp"),
    "typeOfLevel": ("typeOfLevel",),
    "date": ("date", "startDate", "dataDate", "forecast_reference_time"),
    "time": ("time", "startTime", "dataTime"),
    "validDate": ("validDate", "validityDate", "currentDate"),
    "validTime": ("validTime", "validityTime", "currentTime"),
    "step": ("step",),
    "startStep": ("startStep",),
    "endStep": ("endStep",),
    "stepRange": ("stepRange",),
    "stepType": ("stepType",),
    "number": ("number", "member", "ensembleMember", "ensemble-member", "perturbationNumber"),
    "class": ("class", "marsClass"),
    "type": ("type", "marsType", "dataType"),
    "stream": ("stream", "marsStream"),
    "expver": ("expver", "experimentVersionNumber"),
    "method": ("method", "methodNumber", "method-number"),
    "system": ("system", "systemNumber", "system-number"),
    "hdate": ("hdate", "date-of-analysis"),
    "gridType": ("gridType",),
    "grid": ("grid", "gridName"),
    "edition": ("edition", "gribEdition"),
    "ensembleSize": ("ensembleSize", "ensemble-size", "numberOfForecastsInEnsemble"),
    "iteration": ("iteration", "iterationNumber"),
    "nside": ("nside", "Nside"),
    "orderingConvention": ("orderingConvention",),
    "packingType": ("packingType", "setPackingType"),
    "bitsPerValue": ("bitsPerValue", "misc-bitsPerValue"),
    "statisticalProcess": ("typeOfStatisticalProcessing", "statisticalProcess"),
}
CONCEPTS: dict[str, str] = {name: concept for concept, names in NAMES.items() for name in (concept, *names)}

_FURTHER = """
anlength bitmapPresent category complexPacking componentIndex currentDate currentTime deleteExtraLocalSection domain
domainCount east extraLocalSectionNumber flushKind forecastTime format generatingProcessIdentifier globalSize
grib2LocalSectionNumber gridded gridDefinition gridSubtype iDirectionIncrementInDegrees
indicatorOfUnitForTimeIncrement indicatorOfUnitForTimeRange J jDirectionIncrementInDegrees JS K kind KS lastStep
latitudeOfFirstGridPointInDegrees latitudeOfLastGridPointInDegrees lengthOf4DvarWindow lengthOfTimeRange levtype_wam
localDefinitionNumber localTablesVersion longitudeOfFirstGridPointInDegrees longitudeOfLastGridPointInDegrees M
missingValue modelErrorType MS nemoParam Ni Nj north numberOfComponents offsetToEndOf4DvarWindow operation origin
paramType partial pentagonalResolutionParameterJ pentagonalResolutionParameterK pentagonalResolutionParameterM
pipeline precision previousDate previousTime productDefinitionTemplateNumber productionStatusOfProcessedData
representation restart-step sampleInterval sampleIntervalInSeconds scaledValueOfFirstFixedSurface
scaledValueOfSecondFixedSurface scaleFactorOfFirstFixedSurface scaleFactorOfSecondFixedSurface setLocalDefinition
south south_north_increment sphericalHarmonics step-frequency stepUnits subCentre subSetJ subSetK subSetM
tablesVersion threshold time-of-analysis timeIncrement timeStep toAllServers totalNumberOfIterations trigger
typeOfEnsembleForecast typeOfFirstFixedSurface typeOfGeneratingProcess typeOfSecondFixedSurface
unpackedSubsetPrecision unstructuredGridSubtype unstructuredGridType uuidOfHGrid west west_east_increment window
"""
# What MultIO's models and actions put beside them, and what ours do.
FURTHER = frozenset(_FURTHER.split())
